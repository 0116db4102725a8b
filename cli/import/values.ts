/**
 * Values in the forms that Compose and podman share, as ours.
 *
 * @module
 */

import { type FieldOf, rowOf } from "../../lib/domain/component_fields.ts";
import { parseImage } from "../../lib/domain/image.ts";
import { formatMemory } from "../../lib/domain/memory_size.ts";
import type { Draft } from "./draft.ts";
import type { Origin } from "./findings.ts";

/** A text of an ordinary field. */
export function putText(
  draft: Draft,
  field: FieldOf<"text">,
  text: string,
  origin: Origin,
): void {
  draft.put(field, rowOf(field).spelling?.(text) ?? text, origin);
}

/** An amount of memory. */
export function putMemory(
  draft: Draft,
  field: FieldOf<"memory">,
  text: string,
  origin: Origin,
): void {
  const memory = memoryOf(text);
  if (memory === undefined) draft.mistake(origin, 'expected an amount like "512m"');
  else draft.put(field, memory, origin);
}

/** One of a set, which holds each once. */
export function pushOnce(
  draft: Draft,
  field: FieldOf<"set">,
  text: string,
  origin: Origin,
): void {
  const value = rowOf(field).spelling?.(text) ?? text;
  const said: readonly string[] = draft.spec[field];
  if (!said.includes(value)) draft.push(field, value, origin);
}

/**
 * The reference with its image registry: what Docker takes for granted, podman does not.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { wholeImage } from "./values.ts";
 *
 * strictEqual(wholeImage("nginx:alpine"), "docker.io/library/nginx:alpine");
 * strictEqual(wholeImage("gitea/gitea"), "docker.io/gitea/gitea");
 * strictEqual(wholeImage("registry.example/mcr:v1"), "registry.example/mcr:v1");
 * ```
 */
export function wholeImage(text: string): string {
  const image = parseImage(text);
  if (image === undefined) return text;
  const [first = "", ...rest] = image.repository.split("/");
  if (rest.length === 0) return `docker.io/library/${text}`;
  return /[.:]/.test(first) || first === "localhost" ? text : `docker.io/${text}`;
}

/** Adds "device[:in the container[:rwm]]". */
export function pushDevice(draft: Draft, text: string, origin: Origin): void {
  if (!text.startsWith("/")) {
    return draft.leftOut(
      origin,
      `the device ${JSON.stringify(text)}, which a driver would find`,
      'Name it as the node does, e.g. "/dev/dri/renderD128"',
    );
  }
  const [device = "", ...rest] = text.split(":");
  // The same name inside need not be said.
  const inside = rest[0] === device ? rest.slice(1) : rest;
  draft.push("devices", [device, ...inside].join(":"), origin);
}

const memoryUnits = ["", "k", "m", "g", "t"];

/**
 * "512m" of "512M", "512mb", "0.5g" or 536870912; undefined for what is no amount.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { memoryOf } from "./values.ts";
 *
 * strictEqual(memoryOf("1.5GB"), "1536m");
 * ```
 */
export function memoryOf(text: string): string | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,9})?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const factor = 1024 ** memoryUnits.indexOf((match[2] ?? "").toLowerCase());
  const bytes = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) && bytes > 0 ? formatMemory(bytes) : undefined;
}

const knownOption = /^(mode=[0-7]{3,4}|ro|rw|exec|noexec|suid|nosuid|dev|nodev)$/;

/** Adds "path[:options]"; options that a definition does not know are told. */
export function pushTmpfs(draft: Draft, text: string, origin: Origin): void {
  const [path = "", ...rest] = text.split(":");
  const options: string[] = [];
  for (const option of rest.join(":").split(",").filter((each) => each !== "")) {
    const size = /^size=(.*)$/.exec(option)?.[1];
    if (size !== undefined) {
      const amount = memoryOf(size);
      if (amount === undefined) draft.mistake(origin, "expected a size like 64m");
      else options.push(`size=${amount}`);
    } else if (knownOption.test(option)) {
      options.push(option);
    } else {
      draft.leftOut(origin, `${JSON.stringify(option)} of a folder in memory`);
    }
  }
  const target = path.length > 1 ? path.replace(/\/+$/, "") : path;
  draft.push("tmpfs", options.length === 0 ? target : `${target}:${options.join(",")}`, origin);
}

/** Shared memory is a folder in memory like any other. */
export function shareMemory(draft: Draft, text: string, origin: Origin): void {
  const size = memoryOf(text);
  if (size === undefined) return draft.mistake(origin, 'expected a size like "128m"');
  const folder = `/dev/shm:size=${size}`;
  draft.push("tmpfs", folder, origin);
  draft.changed(origin, `its shared memory is the folder ${JSON.stringify(folder)} of \`tmpfs\``);
}

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/**
 * Whole milliseconds of "1m30s", "2h45m", "1.5s", "500ms", and "90" for seconds; undefined when the text
 * is no duration.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { goDurationMs } from "./values.ts";
 *
 * strictEqual(goDurationMs("1m30s"), 90_000);
 * strictEqual(goDurationMs("soon"), undefined);
 * ```
 */
export function goDurationMs(text: string): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  if (!/^(\d{1,9}(\.\d{1,9})?(ns|us|µs|ms|s|m|h|d|w))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h|d|w)/g)) {
    ms += Number(count) * (unitsMs[unit ?? ""] ?? NaN);
  }
  return Math.round(ms);
}
