/**
 * The rooms of the agent that RPCs are handed to.
 *
 * @module
 */

import type { Clock } from "../../../lib/system/clock.ts";
import type { Images } from "../../change/images/images.ts";
import type { Logs } from "../../watch/logs/logs.ts";
import type { Doctor } from "../../node/doctor/doctor.ts";
import type { NodeProbe } from "../../node/facts.ts";
import type { Adoption } from "../../change/adoption/adoption.ts";
import type { FieldDrifts } from "../../watch/reconcile/field_drifts.ts";
import type { Observer } from "../../watch/reconcile/observe.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Removal } from "../../change/removal/removal.ts";
import type { Synchronization } from "../../change/synchronization/synchronization.ts";
import type { Operations } from "../../change/rollout/operations.ts";
import type { Rollout } from "../../change/rollout/rollout.ts";
import type { AuditTrail } from "./audit_trail.ts";
import type { ContainerRuntime } from "../../runtime/runtime.ts";
import type { Secrets } from "../../change/secrets/secrets.ts";
import type { PushedFiles } from "../../change/service_files/pushed.ts";
import type { TransferOptions } from "../../change/service_files/transfer.ts";

/** What the handlers may use. */
export interface Rooms {
  readonly nodeName: string;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly runtime: Pick<ContainerRuntime, "version" | "inspectImages">;
  readonly observer: Pick<Observer, "observeAnew">;
  readonly fieldDrifts: Pick<FieldDrifts, "find">;
  readonly rollout: Pick<
    Rollout,
    "deploy" | "rollBack" | "plan" | "planRollBack" | "stop" | "start" | "restart"
  >;
  readonly operations: Pick<Operations, "begin" | "find">;
  readonly probe: Pick<NodeProbe, "facts">;
  readonly doctor: Pick<Doctor, "diagnose">;
  readonly files: TransferOptions;
  readonly pushedFiles: Pick<PushedFiles, "push" | "pull" | "changed">;
  readonly adoption: Pick<Adoption, "adopt">;
  readonly synchronization: Pick<Synchronization, "sync">;
  readonly images: Pick<Images, "kept" | "prune">;
  readonly secrets: Pick<Secrets, "prune">;
  readonly removal: Pick<Removal, "remove">;
  readonly logs: Pick<Logs, "read">;
  readonly auditTrail: Pick<AuditTrail, "flush">;
  /** Trips when the agent is told to stop: streams end then. */
  readonly stopping: AbortSignal;
}
