/**
 * Desired and observed states, what podman's words mean, and when they drift.
 *
 * @module
 */

/** What the operator wants of a component; `ignore` is seen and left alone. */
export type DesiredState = "running" | "stopped" | "ignore";

/** What was last seen of a component; `unknown` is never a guess about it. */
export type ObservedState = "running" | "stopped" | "exited" | "removed" | "unknown";

/**
 * What an event tells: besides the observed states, that what runs does not do its work. What is
 * observed of such a component is that it runs.
 */
export type EventState = ObservedState | "unhealthy";

/** Every desired state, for decoding. */
export const desiredStates: readonly DesiredState[] = ["running", "stopped", "ignore"];

/** Every observed state, for decoding. */
export const observedStates: readonly ObservedState[] = [
  "running",
  "stopped",
  "exited",
  "removed",
  "unknown",
];

/** Every state an event tells of, for decoding. */
export const eventStates: readonly EventState[] = [...observedStates, "unhealthy"];

/**
 * Reads podman's word for a container's state.
 *
 * `restarting` is `exited`: a crash loop is not running. An exited container is
 * `stopped` only when that is what was wanted.
 *
 * @param status podman's `State`, in any case, e.g. "running" or "exited".
 */
export function observedFromPodman(status: string, desired: DesiredState): ObservedState {
  switch (status.toLowerCase()) {
    case "running":
      return "running";
    case "created":
    case "configured":
    case "initialized":
    case "paused":
    case "stopping":
      return "stopped";
    case "exited":
    case "stopped":
      return desired === "stopped" ? "stopped" : "exited";
    case "dead":
    case "restarting":
      return "exited";
    case "removing":
    case "removed":
      return "removed";
    default:
      return "unknown";
  }
}

/**
 * Whether what is seen is not what is wanted.
 *
 * A job that has succeeded is as it should be: it was wanted running, and ran.
 *
 * @param job Said of a job: how it ended, if it did.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { isDrift } from "./state.ts";
 *
 * strictEqual(isDrift("running", "exited"), true);
 * strictEqual(isDrift("running", "exited", { exitCode: 0 }), false);
 * strictEqual(isDrift("running", "unhealthy"), true);
 * strictEqual(isDrift("stopped", "removed"), false);
 * strictEqual(isDrift("running", "unknown"), false);
 * ```
 */
export function isDrift(
  desired: DesiredState,
  observed: EventState,
  job?: { readonly exitCode: number | undefined },
): boolean {
  if (desired === "ignore" || observed === "unknown") return false;
  if (desired === "stopped") return observed === "running" || observed === "unhealthy";
  if (observed === "exited" && job?.exitCode === 0) return false;
  return observed !== "running";
}
