/**
 * Since which podman its generator knows a key; all others it has known since 4.4, its first one. A
 * generator refuses a unit with a key that it does not know.
 *
 * From podman's release notes and podlet's table of what each version added.
 *
 * @module
 */

import { fieldNames, rowOf } from "../../../lib/domain/component_fields.ts";
import type { UnitLine } from "./unit_text.ts";

/** Keys that are no row's. */
const others: Readonly<Record<string, string>> = {
  "Secret=": "4.5",
  "HealthCmd=": "4.5",
  "HealthInterval=": "4.5",
  "HealthTimeout=": "4.5",
  "HealthRetries=": "4.5",
  "HealthStartPeriod=": "4.5",
  "NetworkName=": "4.7",
  "Entrypoint=": "5.0",
  "Notify=healthy": "5.0",
  "StopTimeout=": "5.0",
};

/** Oldest first. */
const versions: readonly (readonly [said: string, since: string])[] = [
  ...fieldNames.flatMap((field): [string, string][] => {
    const { key, since } = rowOf(field).quadlet ?? {};
    return since === undefined ? [] : [[`${key}=`, since]];
  }).sort(),
  ...Object.entries(others),
].sort(([_, one], [__, other]) => one.localeCompare(other, "en", { numeric: true }));

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
  const newer = versions.filter(([said]) =>
    lines.some(([key, value]) => `${key}=${value}`.startsWith(said))
  );
  const latest = newer.at(-1)?.[1] ?? "4.4";
  const list = newer.map(([said, version]) => `${said} (${version})`).join(", ");
  return `Needs podman ${latest} or later${list === "" ? "" : `: ${list}`}.`;
}
