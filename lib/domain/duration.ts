/**
 * Durations as people write them, and ages as people read them.
 *
 * @module
 */

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Milliseconds of "500ms", "60s", "15m", "2h" or "30d"; undefined for anything else.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { parseDuration } from "./duration.ts";
 *
 * strictEqual(parseDuration("15m"), 900_000);
 * strictEqual(parseDuration("15"), undefined);
 * ```
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const unitMs = unitsMs[match?.[2] ?? ""];
  return match === null || unitMs === undefined ? undefined : Number(match[1]) * unitMs;
}

/**
 * A duration as {@link parseDuration} reads it, without loss, e.g. "90s", "15m", "1500ms".
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { writeDuration } from "./duration.ts";
 *
 * strictEqual(writeDuration(90_000), "90s");
 * strictEqual(writeDuration(900_000), "15m");
 * ```
 */
export function writeDuration(durationMs: number): string {
  const [unit = "ms", unitMs = 1] = Object.entries(unitsMs).reverse()
    .find(([_, each]) => durationMs > 0 && durationMs % each === 0) ?? [];
  return `${durationMs / unitMs}${unit}`;
}

/**
 * A duration in its two largest units, e.g. "3d 4h", "12m 30s", "850ms".
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { formatDuration } from "./duration.ts";
 *
 * strictEqual(formatDuration(93_780_000), "1d 2h");
 * strictEqual(formatDuration(60_000), "1m");
 * ```
 */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.max(0, Math.floor(durationMs))}ms`;
  const parts: string[] = [];
  let restMs = durationMs;
  for (const unit of ["d", "h", "m", "s"]) {
    const unitMs = unitsMs[unit] ?? 1;
    const count = Math.floor(restMs / unitMs);
    restMs -= count * unitMs;
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}
