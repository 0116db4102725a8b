/**
 * How the start of a component is waited for by those who count failures instead.
 *
 * @module
 */

import type { HealthCheck } from "../../lib/domain/health_check.ts";

/**
 * How long they must not count failures, in milliseconds.
 *
 * Ours has one time for a component to give its first good answer. podman and Kubernetes give up
 * after a time without counting and as many failures in a row as they take; an import adds the two,
 * and this takes them apart again.
 */
export function uncountedMs({ startPeriodMs, retries, intervalMs }: HealthCheck): number {
  return Math.max(0, startPeriodMs - retries * intervalMs);
}
