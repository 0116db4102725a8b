/**
 * The one word that a rollout ends in for a component.
 *
 * @module
 */

/** How a component ended. */
export type Verdict =
  /** Its health check was answered well. */
  | "healthy"
  /** It has no health check, and stayed up for the settle window. */
  | "running"
  /** A job: it ended with exit code 0. */
  | "completed"
  /** It is what was asked for already, and was left alone. */
  | "kept"
  | "stopped"
  | "removed"
  /** Its process ended, whether or not the runtime started it again. */
  | "crashed"
  /** It runs, and its health check was answered badly. */
  | "unhealthy"
  /** Nothing good came in the time there was. */
  | "timed_out"
  /** It never ran. */
  | "failed"
  /** Nothing was tried, because what it waits for did not end well. */
  | "skipped";

/** Every verdict, for decoding. */
export const verdicts: readonly Verdict[] = [
  "healthy",
  "running",
  "completed",
  "kept",
  "stopped",
  "removed",
  "crashed",
  "unhealthy",
  "timed_out",
  "failed",
  "skipped",
];

const good: ReadonlySet<Verdict> = new Set<Verdict>([
  "healthy",
  "running",
  "completed",
  "kept",
  "stopped",
  "removed",
]);

/**
 * Whether a component ended as it was to.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { isSuccess } from "./verdict.ts";
 *
 * strictEqual(isSuccess("completed"), true);
 * strictEqual(isSuccess("timed_out"), false);
 * ```
 */
export function isSuccess(verdict: Verdict): boolean {
  return good.has(verdict);
}
