/**
 * Decides what an answer makes of a component's health.
 *
 * Pure. A single bad answer makes nobody sick, and a single good one makes whoever was sick well.
 *
 * @module
 */

import type { HealthCheck } from "../../../lib/domain/health_check.ts";

/** What is known of a component that runs. */
export interface HealthState {
  readonly health: "starting" | "healthy" | "unhealthy";
  /** Bad answers in a row. */
  readonly failures: number;
}

/** What is known of one that has just been started. */
export const justStarted: HealthState = { health: "starting", failures: 0 };

/**
 * What is known after an answer.
 *
 * @param sinceStartMs For how long its container has been running.
 */
export function afterAnswer(
  { health, failures }: HealthState,
  isGood: boolean,
  sinceStartMs: number,
  check: Pick<HealthCheck, "retries" | "startPeriodMs">,
): HealthState {
  if (isGood) return { health: "healthy", failures: 0 };
  // Whoever was just started may need its time, whatever it was before.
  if (sinceStartMs < check.startPeriodMs) return { health, failures: 0 };
  const bad = failures + 1;
  return { health: bad >= check.retries ? "unhealthy" : health, failures: bad };
}
