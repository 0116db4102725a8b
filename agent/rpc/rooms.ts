/**
 * The rooms of the agent that RPCs are handed to.
 *
 * @module
 */

import type { Clock } from "../../lib/system/clock.ts";
import type { Doctor } from "../doctor/doctor.ts";
import type { NodeProbe } from "../node/facts.ts";
import type { Adoption } from "../reconcile/adoption.ts";
import type { Observer } from "../reconcile/observe.ts";
import type { Registry } from "../registry/registry.ts";
import type { Synchronization } from "../reconcile/synchronization.ts";
import type { Rollout } from "../rollout/rollout.ts";
import type { AuditTrail } from "./audit_trail.ts";
import type { ContainerRuntime } from "../runtime/runtime.ts";
import type { TransferOptions } from "../service_files/transfer.ts";

/** What the handlers may use. */
export interface Rooms {
  readonly nodeName: string;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly runtime: Pick<ContainerRuntime, "version">;
  readonly observer: Pick<Observer, "observe">;
  readonly rollout: Pick<Rollout, "deploy" | "stop" | "start" | "restart">;
  readonly probe: Pick<NodeProbe, "facts">;
  readonly doctor: Pick<Doctor, "diagnose">;
  readonly files: TransferOptions;
  readonly adoption: Pick<Adoption, "adopt">;
  readonly synchronization: Pick<Synchronization, "sync">;
  readonly auditTrail: Pick<AuditTrail, "flush">;
  /** Trips when the agent is told to stop: streams end then. */
  readonly stopping: AbortSignal;
}
