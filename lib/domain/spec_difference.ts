/**
 * How two specs of one component differ, field by field.
 *
 * @module
 */

import { fieldNames, keyOf, rowOf } from "./component_fields.ts";
import type { ComponentSpec } from "./component_spec.ts";
import type { SecretMount } from "./secret_mount.ts";

/** One field that differs. */
export interface FieldDifference {
  /** As a definition calls it, e.g. "image", "env.TZ", "cmd[0]", "secrets.password.mode". */
  readonly field: string;
  /** As text; empty = it is not there. */
  readonly before: string;
  readonly after: string;
}

/** How a definition calls the times of a health check. */
const innerKeys: Readonly<Record<string, string>> = {
  intervalMs: "interval",
  timeoutMs: "timeout",
  startPeriodMs: "start_period",
};

/**
 * Every field that differs; empty when the two ask for the same.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { componentDefaults } from "./component_spec.ts";
 * import { differencesBetween } from "./spec_difference.ts";
 *
 * const web = { ...componentDefaults, name: "web", image: "registry.example/web:v1" };
 * deepStrictEqual(differencesBetween(web, { ...web, env: { TZ: "UTC" } }), [
 *   { field: "env.TZ", before: "", after: "UTC" },
 * ]);
 * ```
 */
export function differencesBetween(before: ComponentSpec, after: ComponentSpec): FieldDifference[] {
  const differences: FieldDifference[] = [];
  for (const name of fieldNames) {
    const [field, one, other] = [keyOf(name), before[name], after[name]];
    if (name === "secrets") {
      compare(field, byName(before.secrets), byName(after.secrets), differences);
    } else if (rowOf(name).type === "set") {
      compareSets(field, one as readonly string[], other as readonly string[], differences);
    } else compare(field, one, other, differences);
  }
  return differences;
}

/** Secrets have no order: each is known by its name. */
function byName(secrets: readonly SecretMount[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    secrets.map(({ name, mode, ...mount }) => [
      name,
      { ...mount, mode: mode.toString(8).padStart(4, "0") },
    ]),
  );
}

/** What is in one and not in the other, side by side where something took the place of another. */
function compareSets(
  field: string,
  before: readonly string[],
  after: readonly string[],
  into: FieldDifference[],
): void {
  const gone = before.filter((text) => !after.includes(text));
  const come = after.filter((text) => !before.includes(text));
  for (let at = 0; at < Math.max(gone.length, come.length); at++) {
    into.push({ field, before: gone[at] ?? "", after: come[at] ?? "" });
  }
}

function compare(field: string, before: unknown, after: unknown, into: FieldDifference[]): void {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  if (isTable(before) && isTable(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(`${field}.${innerKeys[key] ?? key}`, before[key], after[key], into);
    }
    return;
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let at = 0; at < Math.max(before.length, after.length); at++) {
      compare(`${field}[${at}]`, before[at], after[at], into);
    }
    return;
  }
  into.push({ field, before: asText(before), after: asText(after) });
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asText(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
