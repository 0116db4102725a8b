/**
 * Durations as Compose and podman write them: "1m30s", "2h45m", "1.5s", "500ms", and "90" for seconds.
 *
 * @module
 */

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
 * Whole milliseconds, or undefined when the text is no duration.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { goDurationMs } from "./go_duration.ts";
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
