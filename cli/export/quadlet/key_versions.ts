/**
 * Since which podman its generator knows a key; all others it has known since 4.4, its first one; oldest first. A
 * generator refuses a unit with a key that it does not know.
 *
 * From podman's release notes and podlet's table of what each version added.
 *
 * @module
 */

import type { UnitLine } from "./unit_text.ts";

const versions: Readonly<Record<string, string>> = {
  "Tmpfs=": "4.5",
  "Secret=": "4.5",
  "HealthCmd=": "4.5",
  "HealthInterval=": "4.5",
  "HealthTimeout=": "4.5",
  "HealthRetries=": "4.5",
  "HealthStartPeriod=": "4.5",
  "HostName=": "4.6",
  "Pull=": "4.6",
  "WorkingDir=": "4.6",
  "NetworkName=": "4.7",
  "PidsLimit=": "4.7",
  "Ulimit=": "4.7",
  "Entrypoint=": "5.0",
  "Notify=healthy": "5.0",
  "StopTimeout=": "5.0",
  "StopSignal=": "5.2",
};

/**
 * What is said of the podman that is needed.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { neededPodman } from "./key_versions.ts";
 *
 * strictEqual(neededPodman([["Image", "a"]]), "Needs podman 4.4 or later.");
 * strictEqual(
 *   neededPodman([["Image", "a"], ["Pull", "never"], ["StopTimeout", "30"]]),
 *   "Needs podman 5.0 or later: Pull= (4.6), StopTimeout= (5.0).",
 * );
 * ```
 */
export function neededPodman(lines: readonly UnitLine[]): string {
  const newer = Object.entries(versions).filter(([said]) =>
    lines.some(([key, value]) => `${key}=${value}`.startsWith(said))
  );
  const latest = newer.at(-1)?.[1] ?? "4.4";
  const list = newer.map(([said, version]) => `${said} (${version})`).join(", ");
  return `Needs podman ${latest} or later${list === "" ? "" : `: ${list}`}.`;
}
