/**
 * What the way back from a rollout was cut off from starting is started.
 *
 * Going back takes two steps at least: the previous container gets its name again, and is started.
 * An agent that is killed between the two, in a deploy or in a recovery, leaves nothing aside to tell
 * the next one by; what tells it is that the component of that revision was never put in order.
 *
 * @module
 */

import { log } from "../../../lib/log.ts";
import { labels } from "../../watch/reconcile/ownership.ts";
import { markInOrder, unfinishedComponents } from "../../registry/revisions.ts";
import { type ComponentRecord, getService } from "../../registry/services.ts";
import type { ContainerStatus } from "../../runtime/runtime.ts";
import { execute } from "./execute.ts";
import { planStartAgain } from "./plan.ts";
import type { RolloutOptions } from "./context.ts";

/**
 * Starts the deployed containers of unfinished rollouts that should run, and do not.
 *
 * After the recovery, which says which container serves. Killed half-way, the next run does it again.
 *
 * @throws {McpError} `unavailable` when the runtime cannot be asked.
 */
export async function startUnfinished(options: Omit<RolloutOptions, "recovered">): Promise<void> {
  const { registry, runtime, signal } = options;
  const unfinished = unfinishedComponents(registry);
  if (unfinished.length === 0) return;
  const listing = await runtime.list(signal);
  for (const { service, component } of unfinished) {
    const record = getService(registry, service)?.components
      .find(({ spec }) => spec.name === component);
    const container = listing.find(({ name }) => name === record?.container);
    if (record !== undefined && container !== undefined && isToBeStarted(record, container)) {
      const { success, error } = await execute(
        planStartAgain(component, record.container),
        options,
        () => {},
      );
      const where = { service, component };
      if (success) log.rollout.warn("Recovered {service}/{component}: started it again", where);
      else log.rollout.error("Cannot recover {service}/{component}: {error}", { ...where, error });
    }
    markInOrder(registry, service, component);
  }
}

/** Only what is known to have served; a container of a deploy that was cut never proved itself. */
function isToBeStarted(
  { desired, deployment }: ComponentRecord,
  { status, labels: shown }: ContainerStatus,
): boolean {
  if (desired !== "running" || deployment === undefined || status === "running") return false;
  return deployment.origin === "adopt" || shown[labels.revision] === String(deployment.revision);
}
