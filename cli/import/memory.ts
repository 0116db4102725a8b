/**
 * Amounts of memory as Docker and podman write them, as ours.
 *
 * @module
 */

import { formatMemory } from "../../lib/domain/memory_size.ts";

const units = ["", "k", "m", "g", "t"];

/**
 * "512m" of "512M", "512mb", "0.5g" or 536870912; undefined for what is no amount.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { memoryOf } from "./memory.ts";
 *
 * strictEqual(memoryOf("1.5GB"), "1536m");
 * ```
 */
export function memoryOf(text: string): string | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,9})?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const factor = 1024 ** units.indexOf((match[2] ?? "").toLowerCase());
  const bytes = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) && bytes > 0 ? formatMemory(bytes) : undefined;
}
