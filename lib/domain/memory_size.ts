/**
 * Amounts of memory as people write them.
 *
 * @module
 */

const unitBytes: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
};

/**
 * Bytes of "512m", "2g", "65536k" or "1048576"; undefined for anything else, and for zero.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { parseMemory } from "./memory_size.ts";
 *
 * strictEqual(parseMemory("512m"), 536_870_912);
 * strictEqual(parseMemory("a lot"), undefined);
 * ```
 */
export function parseMemory(text: string): number | undefined {
  const match = /^(\d{1,15})([bkmg]?)$/.exec(text);
  const bytes = Number(match?.[1]) * (unitBytes[match?.[2] ?? ""] ?? NaN);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

/**
 * Bytes in the largest unit that leaves no rest.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { formatMemory } from "./memory_size.ts";
 *
 * strictEqual(formatMemory(536_870_912), "512m");
 * ```
 */
export function formatMemory(bytes: number): string {
  const unit = ["g", "m", "k"].find((each) => bytes % (unitBytes[each] ?? NaN) === 0) ?? "";
  return `${bytes / (unitBytes[unit] ?? 1)}${unit}`;
}
