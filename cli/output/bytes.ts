/**
 * Sizes, for people.
 *
 * @module
 */

const units = ["KiB", "MiB", "GiB"] as const;

/**
 * A size in its largest unit, e.g. "712 bytes", "1.5 KiB", "4 MiB".
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { formatBytes } from "./bytes.ts";
 *
 * strictEqual(formatBytes(1_536), "1.5 KiB");
 * strictEqual(formatBytes(4 * 1024 * 1024), "4 MiB");
 * ```
 */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  let size = bytes / 1024;
  let unit: string = units[0];
  for (const larger of units.slice(1)) {
    if (size < 1024) break;
    size /= 1024;
    unit = larger;
  }
  return `${Number(size.toFixed(1))} ${unit}`;
}
