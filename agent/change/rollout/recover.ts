/**
 * What an earlier run of the agent did not live to finish is undone before serving.
 *
 * A component whose previous container is still set aside was in the middle of a
 * deploy. If the registry remembers the container in place as deployed, only the
 * tidying was missing; otherwise that container never proved itself, and the
 * previous one comes back. One that was to prove itself beside the one that
 * serves never did: it is removed.
 *
 * @module
 */

import { log } from "../../../lib/log.ts";
import { labels, previousName } from "../../watch/reconcile/ownership.ts";
import { markInterrupted } from "../../registry/revisions.ts";
import { listServices } from "../../registry/services.ts";
import { execute } from "./execute.ts";
import { planRecovery } from "./plan.ts";
import { type RolloutOptions, subjectOf } from "./context.ts";

/**
 * A podman that the earlier run had started is not killed with it: it may still make or stop a
 * container while this one looks. It is done soon, and the next look sees what it has made.
 */
const passes = 3;
const betweenPassesMs = 1_000;

/**
 * Has a recovery done once, and repeated until it has succeeded.
 *
 * podman may not be there yet when the agent starts. No rollout may begin
 * before what the last one left is in order: it would take a container that
 * never proved itself for the one that serves.
 */
export function untilRecovered(recovery: () => Promise<void>): () => Promise<void> {
  let underway: Promise<void> | undefined;
  return () => {
    underway ??= recovery().catch((error) => {
      underway = undefined;
      throw error;
    });
    return underway;
  };
}

/** Marks interrupted revisions, says which they were, and puts their components in order. */
export async function recover(options: Omit<RolloutOptions, "recovered">): Promise<void> {
  const { registry, clock, signal } = options;
  for (const revision of markInterrupted(registry, clock.now())) {
    log.rollout.warn(
      "Deploy {revision} of {service}, begun by {actor} at {startedAt}, was interrupted: run it again",
      { ...revision, startedAt: revision.startedAt.toISOString() },
    );
  }
  for (let pass = 1;; pass++) {
    const failures = await putInOrder(options);
    if (failures.length === 0) return;
    if (pass === passes) {
      for (const failure of failures) {
        log.rollout.error("Cannot recover {service}/{component}: {error}", failure);
      }
      return;
    }
    await clock.sleep(betweenPassesMs, signal);
  }
}

/** One pass over all components; gives those that could not be put in order. */
async function putInOrder(
  options: Omit<RolloutOptions, "recovered">,
): Promise<{ readonly service: string; readonly component: string; readonly error: string }[]> {
  const { registry, runtime, signal } = options;
  const listing = await runtime.list(signal);
  const byName = new Map(listing.map((container) => [container.name, container]));
  const failures = [];
  for (const record of listServices(registry).flatMap(({ components }) => components)) {
    // Somebody else's containers may be named as ours would be.
    if (record.desired === "ignore") continue;
    const subject = subjectOf(options, record.service, record.spec.name, listing, record);
    if (!subject.hasPrevious && subject.hasNext !== true) continue;
    const current = byName.get(record.container);
    const plan = planRecovery(subject, {
      proved: current !== undefined && record.deployment !== undefined &&
        current.labels[labels.revision] === String(record.deployment.revision),
      wanted: record.desired === "running",
      previousStatus: byName.get(previousName(record.container))?.status,
    });
    const { success, summary, error } = await execute(plan, options, () => {});
    const where = { service: record.service, component: record.spec.name };
    if (!success) failures.push({ ...where, error });
    else log.rollout.warn("Recovered {service}/{component}: {summary}", { ...where, summary });
  }
  return failures;
}
