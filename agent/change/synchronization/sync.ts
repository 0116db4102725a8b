/**
 * Decides what a pushed spec changes about a service.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { differencesBetween } from "../../../lib/domain/spec_difference.ts";
import type { ServiceSpec } from "../../../lib/domain/service_spec.ts";
import type { DesiredState, ObservedState } from "../../../lib/domain/state.ts";

/** A service as it is known before. */
export interface KnownService {
  readonly active: boolean;
  readonly components: readonly {
    readonly spec: ComponentSpec;
    readonly desired: DesiredState;
    readonly observed: ObservedState;
  }[];
}

/** What a sync means for one service. */
export interface SyncPlan {
  readonly changed: boolean;
  /** What changes, for people; "up to date" when nothing does. */
  readonly summary: string;
  /** Whether containers run that should not. */
  readonly stops: boolean;
}

/** Compares a pushed spec with what is known; a sync starts nothing, whatever it finds. */
export function planSync(spec: ServiceSpec, known: KnownService | undefined): SyncPlan {
  const managed = known?.components.filter(({ desired }) => desired !== "ignore") ?? [];
  const byName = new Map(managed.map((component) => [component.spec.name, component]));
  const listed = new Set(spec.components.map(({ name }) => name));
  const desired: DesiredState = spec.active ? "running" : "stopped";

  const isNew = managed.length === 0;
  const added = spec.components.filter(({ name }) => !byName.has(name)).map(({ name }) => name);
  const changed = spec.components
    .filter((component) => {
      const before = byName.get(component.name);
      return before !== undefined && !sameSpec(before.spec, component);
    })
    .map(({ name }) => name);
  const rewanted = managed
    .filter(({ spec: { name }, desired: before }) => listed.has(name) && before !== desired)
    .map(({ spec: { name } }) => name);
  const unlisted = managed.map(({ spec: { name } }) => name).filter((name) => !listed.has(name));
  // What was wanted running and was seen to have ended may be about to be restarted by podman.
  const stops = !spec.active &&
    managed.some(({ desired, observed }) => observed === "running" || desired === "running");

  const parts = [
    ...(isNew ? [`new, ${spec.active ? "active" : "inactive"}`] : []),
    ...(!isNew && known?.active !== spec.active
      ? [spec.active ? "now active" : "now inactive"]
      : []),
    ...named(isNew ? [] : added, "added"),
    ...named(changed, "changed"),
    ...named(rewanted, `now wanted ${desired}`),
  ];
  const notes = named(unlisted, "no longer listed, and left to the next deploy of the service");
  return {
    changed: parts.length > 0,
    summary: [...(parts.length === 0 ? ["up to date"] : parts), ...notes].join("; "),
    stops,
  };
}

function named(names: readonly string[], what: string): string[] {
  return names.length === 0 ? [] : [`${names.join(", ")} ${what}`];
}

function sameSpec(left: ComponentSpec, right: ComponentSpec): boolean {
  return differencesBetween(left, right).length === 0;
}
