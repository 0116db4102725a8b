/**
 * Remembers what became of components that were moved, with who moved them.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { imageVersion } from "../../../lib/domain/image.ts";
import { observedFromPodman } from "../../../lib/domain/state.ts";
import { errorChain, McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import { appendEvent } from "../../registry/events.ts";
import { finishComponent } from "../../registry/revisions.ts";
import {
  type ComponentRecord,
  recordHealth,
  recordSighting,
  recordVersion,
} from "../../registry/services.ts";
import type { ContainerDetail } from "../../runtime/runtime.ts";
import { type Actor, recordsOf, type RolloutOptions } from "./context.ts";
import type { ImageIdentity } from "./decide.ts";
import type { Proved } from "./execute.ts";

type RegistryAndClock = Pick<RolloutOptions, "registry" | "clock">;

/** Who moved a component, and how. */
interface Moved {
  readonly verb: string;
  readonly actor: Actor;
}

/** How a component of a revision ended, and what is known of it then; within a transaction. */
export function writeEnd(
  { registry, clock }: RegistryAndClock,
  { service, revision, spec }: {
    readonly service: string;
    readonly revision: number;
    readonly spec: ComponentSpec;
  },
  outcome: "succeeded" | "failed" | "kept",
  { image, downtimeMs, error = "" }: {
    readonly image?: ImageIdentity;
    readonly downtimeMs?: number | undefined;
    readonly error?: string;
  },
): void {
  const component = spec.name;
  finishComponent(registry, {
    service,
    revision,
    component,
    outcome,
    imageId: image?.id ?? "",
    imageDigest: image?.digest ?? "",
    downtimeMs,
    error,
    now: clock.now(),
  });
  if (outcome === "succeeded") {
    recordVersion(registry, service, component, imageVersion(spec.image));
  }
}

/**
 * Remembers one component after it was moved.
 *
 * @param proved What was seen of it when it proved itself: it need not be looked at again.
 */
export async function rememberSeen(
  options: RegistryAndClock & Pick<RolloutOptions, "runtime" | "signal">,
  { service, spec, container }: ComponentRecord,
  moved: Moved,
  proved?: Proved,
): Promise<void> {
  const detail = proved?.detail ?? await look(container, options);
  if (detail === "not seen") return;
  options.registry.transaction(() =>
    writeSeen(options, service, spec.name, moved, { ...proved, detail })
  );
}

/** The same, within a transaction; what has no detail has no container. */
export function writeSeen(
  { registry, clock }: RegistryAndClock,
  service: string,
  component: string,
  { verb, actor }: Moved,
  { detail, verdict, lastProbe = "" }: Pick<Proved, "detail"> & Partial<Proved>,
): void {
  const current = recordsOf(registry, service).get(component);
  if (current === undefined) return;
  const observed = detail === undefined
    ? "removed"
    : observedFromPodman(detail.status, current.desired);
  const now = clock.now();
  recordSighting(registry, {
    service,
    component,
    observed,
    startedAt: observed === "running" ? detail?.startedAt : undefined,
    exitCode: observed === "exited" ? detail?.exitCode : undefined,
  }, now);
  const { healthcheck } = current.deployment?.spec ?? current.spec;
  recordHealth(registry, {
    service,
    component,
    health: healthcheck === undefined || observed !== "running"
      ? ""
      : verdict === "healthy"
      ? "healthy"
      : "starting",
    lastProbe,
  });
  if (observed === current.observed) return;
  appendEvent(registry, {
    service,
    component,
    previous: current.observed,
    next: observed,
    at: now,
    cause: `${verb} by ${actor.subject}`,
    actor: actor.subject,
  });
}

/**
 * Looks at a container after it was moved. A runtime that cannot be asked then
 * does not undo what was done: nothing is remembered but what was seen, and the
 * next look at the node tells.
 */
async function look(
  container: string,
  { runtime, signal }: Pick<RolloutOptions, "runtime" | "signal">,
): Promise<ContainerDetail | undefined | "not seen"> {
  try {
    return await runtime.inspect(container, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof McpError)) throw error;
    log.rollout.warn("Cannot see what became of {container}: {reason}", {
      container,
      reason: errorChain(error),
    });
    return "not seen";
  }
}
