/**
 * Why a component is not tried that depends on another one.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { containerName } from "../../../lib/domain/names.ts";
import type { ComponentRecord } from "../../registry/services.ts";
import type { ContainerStatus } from "../../runtime/runtime.ts";
import type { ComponentOutcome } from "./execute.ts";

/** Why a component is not tried; undefined when all that it waited for ended well. */
export function brokenDependency(ended: ReadonlyMap<string, ComponentOutcome>): string | undefined {
  const broken = [...ended.values()].find(({ success }) => !success);
  if (broken === undefined) return undefined;
  const how: Readonly<Record<string, string>> = {
    crashed: "crashed",
    unhealthy: "is unhealthy",
    timed_out: "did not make it in time",
    skipped: "was not tried",
  };
  const what = how[broken.verdict] ?? "failed";
  return `Not tried: it depends on "${broken.component}", which ${what}; nothing was changed`;
}

/** Why a component is not tried that depends on one that this rollout leaves alone. */
export function absentDependency(
  { dependsOn }: ComponentSpec,
  ended: ReadonlyMap<string, ComponentOutcome>,
  { service, listing, records }: {
    readonly service: string;
    readonly listing: readonly ContainerStatus[];
    readonly records: ReadonlyMap<string, ComponentRecord>;
  },
): string | undefined {
  for (const name of dependsOn) {
    if (ended.has(name)) continue;
    const found = listing.find((container) =>
      container.name === (records.get(name)?.container ?? containerName(service, name))
    );
    const record = records.get(name);
    const isJob = (record?.deployment?.spec ?? record?.spec)?.kind === "job";
    const isDone = isJob && found?.exitCode === 0;
    if (isDone || (found?.status === "running" && record?.health !== "unhealthy")) continue;
    const state = found === undefined
      ? "has no container"
      : found.status === "running"
      ? "is unhealthy"
      : `is ${found.status}`;
    return `Not tried: it depends on "${name}", which ${state}; nothing was changed`;
  }
  return undefined;
}
