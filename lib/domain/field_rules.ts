/**
 * Rules for single values of a component's fields.
 *
 * Every text that ends up in podman's argv passes a rule first: none may begin with "-", hold a
 * control character, or mean something else to podman than it says. Only `cmd` is free: it stands
 * behind the image, where podman reads nothing any more. Values of tables stand behind
 * `--flag=name=` and are free but for NUL. The rules are the same on the workstation and on the node.
 *
 * @module
 */

import { parseImage } from "./image.ts";
import { parsePort, parseVolume } from "./mappings.ts";
import { parseMemory } from "./memory_size.ts";

/** A rule for one value. */
export interface Rule<Value> {
  /** @param at The value's place, where it stands in a list. */
  isOk(value: Value, at: number): boolean;
  readonly expected: string;
  /** What is told of a value that may be a secret, and is therefore not shown. */
  readonly found?: string;
}

/** Texts of a pattern. */
export function matching(pattern: RegExp, expected: string): Rule<string> {
  return { isOk: (text) => pattern.test(text), expected };
}

/** A whole number of something, or a part of one. */
export function between(least: number, most: number, expected: string): Rule<number> {
  return { isOk: (number) => number >= least && number <= most, expected };
}

// deno-lint-ignore no-control-regex -- control characters are what is looked for
const pathPattern = /^\/[^\u0000-\u001f\u007f:,]{0,1023}$/;

/** A path in the container. */
export const absolutePath = matching(pathPattern, "an absolute path");

/** A reference to an image. */
export const imageReference: Rule<string> = {
  isOk: (text) => parseImage(text) !== undefined,
  expected: 'an image reference like "registry.example/name:tag"',
};

/** "[ip:]host:container[/protocol]". */
export const portMapping: Rule<string> = {
  isOk: (text) => parsePort(text) !== undefined,
  expected: '"host:container" with an optional address before and "/tcp" or "/udp" after',
};

/** "source:target[:options]". */
export const volumeMapping: Rule<string> = {
  isOk: (text) => parseVolume(text) !== undefined,
  expected:
    '"source:target" with absolute paths (the source may be a volume name) and options like ":ro"',
};

/** The program, and what follows it. */
export const entrypointWord: Rule<string> = {
  isOk: (word, at) => !word.includes("\0") && (at > 0 || word !== ""),
  expected: "a word without NUL",
};

/** What follows the image. */
export const argument: Rule<string> = {
  isOk: (text) => !text.includes("\0"),
  expected: "an argument without NUL",
};

/** A value of a table; of a variable it may be a secret that should not be there. */
export const tableValue: Rule<string> = {
  isOk: (text) => !text.includes("\0"),
  expected: "a text without NUL",
  found: "a text with NUL",
};

/** Labels by which MCP knows its own containers. */
const ownLabels = "mcp.";

/** The name of a label. */
export const labelName: Rule<string> = {
  isOk: (name) =>
    /^[a-zA-Z0-9][a-zA-Z0-9._/@:[\]-]{0,254}$/.test(name) && !name.startsWith(ownLabels),
  expected: `a label's name that does not begin with "${ownLabels}"`,
};

/** An amount that a process can live in. */
export const memoryAmount: Rule<string> = {
  isOk: (text) => (parseMemory(text) ?? 0) >= 4 * 1024 ** 2,
  expected: 'an amount of memory from "4m" on, like "512m" or "2g"',
};

/** A capability of Linux without "CAP_". */
export const capability = matching(
  /^(?!CAP_)[A-Z][A-Z_]{1,30}$/,
  'a capability like "NET_BIND_SERVICE"',
);

const tmpfsOption =
  /^(size=\d{1,12}[kmg]?|mode=[0-7]{3,4}|ro|rw|exec|noexec|suid|nosuid|dev|nodev)$/;

/** "path[:options]". */
export const memoryFolder: Rule<string> = {
  isOk(text) {
    const [target = "", options, ...rest] = text.split(":");
    return pathPattern.test(target) && rest.length === 0 &&
      (options ?? "rw").split(",").every((option) => tmpfsOption.test(option));
  },
  expected: '"path" or "path:options", like "/tmp:size=64m"',
};

/** "device[:in the container[:rwm]]". */
export const deviceMapping = matching(
  /^(?!.*\/\.\.?\/)\/dev\/[a-zA-Z0-9._/-]{1,200}(:\/dev\/[a-zA-Z0-9._/-]{1,200})?(:[rwm]{1,3})?$/,
  'a device like "/dev/dri/renderD128" or "/dev/ttyUSB0:/dev/ttyS0:rw"',
);
