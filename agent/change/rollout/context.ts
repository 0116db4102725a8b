/**
 * What every verb of a rollout goes by.
 *
 * @module
 */

import { containerName } from "../../../lib/domain/names.ts";
import type { FieldDifference } from "../../../lib/domain/spec_difference.ts";
import type { ServiceLocks } from "../../locks/service_locks.ts";
import type { Registry } from "../../registry/registry.ts";
import { secretNames } from "../../registry/secrets.ts";
import { type ComponentRecord, getService } from "../../registry/services.ts";
import type { ContainerStatus } from "../../runtime/runtime.ts";
import type { FieldDrifts } from "../../watch/reconcile/field_drifts.ts";
import { nextName, previousName } from "../../watch/reconcile/ownership.ts";
import type { ChosenSecrets, Secrets } from "../secrets/secrets.ts";
import type { Allowance } from "./allowed.ts";
import type { ExecuteOptions } from "./execute.ts";
import type { ImageFinder } from "./images.ts";
import type { PlanSubject, Target } from "./plan.ts";

export interface RolloutOptions extends ExecuteOptions, Allowance {
  /** Resolves when nothing that an earlier run of the agent left half-done is left. */
  readonly recovered: () => Promise<void>;
  readonly node: string;
  readonly registry: Registry;
  readonly locks: ServiceLocks;
  /** Fetches images and says what references mean. */
  readonly images: ImageFinder;
  readonly secrets: Pick<Secrets, "choose" | "keep" | "sweep">;
  /** Says which containers are not as they were deployed. */
  readonly fieldDrifts: Pick<FieldDrifts, "find">;
}

/** Who asks for a rollout. */
export interface Actor {
  readonly subject: string;
}

/** The node as a rollout found it. */
export interface Seen {
  readonly listing: readonly ContainerStatus[];
  readonly chosen: ChosenSecrets;
  /** By "service/component": what of its container is not as it was deployed. */
  readonly drifts: ReadonlyMap<string, readonly FieldDifference[]>;
}

/** How many components of one service move at the same time. */
export const parallelComponents = 8;

/** The components of a service, by their names. */
export function recordsOf(registry: Registry, service: string): Map<string, ComponentRecord> {
  const record = getService(registry, service);
  return new Map(record?.components.map((component) => [component.spec.name, component]));
}

/** Where a component stands that may be unknown as yet. */
export function subjectOf(
  { node, serviceRoot }: Pick<RolloutOptions, "node" | "serviceRoot">,
  service: string,
  component: string,
  listing: readonly ContainerStatus[],
  record: ComponentRecord | undefined,
): PlanSubject {
  const container = record?.container ?? containerName(service, component);
  const statusOf = (wanted: string) => listing.find(({ name }) => name === wanted)?.status;
  return {
    node,
    service,
    component,
    container,
    status: statusOf(container),
    hasPrevious: statusOf(previousName(container)) !== undefined,
    hasNext: statusOf(nextName(container)) !== undefined,
    serviceRoot,
    current: record?.deployment?.spec,
  };
}

/** What a component's container is made of, as far as it was deployed. */
export function targetOf(
  registry: Registry,
  { deployment, spec, service }: ComponentRecord,
): Target {
  if (deployment === undefined) return { spec, revision: 0 };
  return { ...deployment, secretNames: secretNames(registry, service, deployment.secrets) };
}
