/**
 * Whether the machine has booted between two starts of the agent.
 *
 * Linux has an id for each boot, but Deno reads nothing below /proc without every permission. It
 * does tell for how long the machine has been up.
 *
 * @module
 */

import type { Start } from "../registry/last_start.ts";

/**
 * How far the two clocks may drift apart within one boot: uptime is told in whole seconds. A machine
 * that was up for less than this is taken for one that was not down at all.
 */
const toleranceMs = 2_000;

/**
 * Decides whether the machine has booted between two starts of the agent.
 *
 * A wall clock that was set forward by hand looks the same as a boot that took that long: then
 * this says yes, and what should run is looked after once more.
 */
export function hasBooted(earlier: Start, now: Start): boolean {
  const uptimeMs = now.uptimeMs - earlier.uptimeMs;
  if (uptimeMs < 0) return true;
  return now.at.getTime() - earlier.at.getTime() - uptimeMs > toleranceMs;
}
