/**
 * What a rollout is asked for, whether it deploys a spec or goes back to an earlier one.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import type { ServiceSpec } from "../../../lib/domain/service_spec.ts";
import type { SecretVersions } from "../../registry/secrets.ts";
import type { ImageIdentity } from "./decide.ts";

/** What a rollout is asked for. */
export interface RolloutRequest {
  readonly service: string;
  /** What is declared by it. */
  readonly declared: ServiceSpec;
  /** What is deployed. */
  readonly targets: readonly ComponentSpec[];
  /** The only component that is meant; undefined = the whole service. */
  readonly only: string | undefined;
  readonly origin: "deploy" | "rollback";
  /** Whether components are taken out of service that are not declared. */
  readonly removesUnlisted: boolean;
  /** By component: what it is made from where that is not what its reference means now. */
  readonly images: ReadonlyMap<string, ImageIdentity>;
  /** By component: the versions of its secrets where those are not the newest. */
  readonly secrets: ReadonlyMap<string, SecretVersions>;
  /** The revision that it goes back to. */
  readonly rollBackTo: number | undefined;
}

/** What deploying a spec asks for, or one component of it. */
export function deployRequest(spec: ServiceSpec, only: string | undefined): RolloutRequest {
  return {
    service: spec.name,
    declared: spec,
    targets: spec.components.filter(({ name }) => only === undefined || name === only),
    only,
    origin: "deploy",
    removesUnlisted: only === undefined,
    images: new Map(),
    secrets: new Map(),
    rollBackTo: undefined,
  };
}
