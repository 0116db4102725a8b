/**
 * What an earlier run of the agent did not live to finish is undone before serving.
 *
 * A component whose previous container is still set aside was in the middle of a
 * deploy. If the registry remembers the container in place as deployed, only the
 * tidying was missing; otherwise that container never proved itself, and the
 * previous one comes back.
 *
 * @module
 */

import { log } from "../../lib/log.ts";
import { asideName, labels } from "../reconcile/ownership.ts";
import { markInterrupted } from "../registry/revisions.ts";
import { listServices } from "../registry/services.ts";
import { execute } from "./execute.ts";
import { planRecovery } from "./plan.ts";
import type { RolloutOptions } from "./rollout.ts";

/** Marks interrupted revisions, says which they were, and puts their components in order. */
export async function recover(options: RolloutOptions): Promise<void> {
  const { registry, runtime, clock, signal } = options;
  for (const revision of markInterrupted(registry, clock.now())) {
    log.rollout.warn(
      "Deploy {revision} of {service}, begun by {actor} at {startedAt}, was interrupted: run it again",
      { ...revision, startedAt: revision.startedAt.toISOString() },
    );
  }
  const listing = await runtime.list(signal);
  const byName = new Map(listing.map((container) => [container.name, container]));
  for (const { components } of listServices(registry)) {
    for (const record of components) {
      if (!byName.has(asideName(record.container))) continue;
      const current = byName.get(record.container);
      const plan = planRecovery({
        node: options.node,
        service: record.service,
        component: record.spec.name,
        container: record.container,
        status: current?.status,
        hasAside: true,
        serviceRoot: options.serviceRoot,
      }, {
        proved: current !== undefined && record.deployment !== undefined &&
          current.labels[labels.revision] === String(record.deployment.revision),
        wanted: record.desired === "running",
      });
      const outcome = await execute(plan, options, () => {});
      const where = { service: record.service, component: record.spec.name };
      if (outcome.success) {
        log.rollout.warn("Recovered {service}/{component}: {summary}", {
          ...where,
          summary: outcome.summary,
        });
      } else {
        log.rollout.error("Cannot recover {service}/{component}: {error}", {
          ...where,
          error: outcome.error,
        });
      }
    }
  }
}
