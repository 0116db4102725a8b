/**
 * Stopping, starting and restarting a service whose components were deployed or adopted.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import type { Registry } from "../../registry/registry.ts";
import { type ComponentRecord, getService, wantService } from "../../registry/services.ts";
import {
  type Actor,
  parallelComponents,
  type RolloutOptions,
  subjectOf,
  targetOf,
} from "./context.ts";
import { brokenDependency } from "./dependencies.ts";
import { type ComponentOutcome, execute, plainOutcome, type Proved } from "./execute.ts";
import { inOrder, type Job } from "./in_order.ts";
import { planRestart, planStart, planStop, type PlanSubject } from "./plan.ts";
import { rememberSeen } from "./remember.ts";
import type { ComponentPlan } from "./steps.ts";

/** What each wants of every component; restarting changes no desired state. */
const wanted = { stop: "stopped", start: "running", restart: undefined } as const;

/** Writes what is wanted, then does it: components side by side, as far as they need not wait. */
export async function changeState(
  options: RolloutOptions,
  verb: keyof typeof wanted,
  service: string,
  actor: Actor,
): Promise<readonly ComponentOutcome[]> {
  const { registry, clock, locks, runtime, signal } = options;
  await options.recovered();
  const components = managedComponents(registry, service)
    .filter(({ desired }) => verb !== "restart" || desired === "running");
  if (components.length === 0) {
    throw new McpError("conflict", `Cannot restart "${service}": all of it should be stopped`, {
      hint: `Run \`mcp start ${service}\``,
    });
  }
  using _lock = locks.acquire(service, {
    verb,
    actor: actor.subject,
    components: components.map(({ spec }) => spec.name),
  });
  const want = wanted[verb];
  if (want !== undefined) {
    registry.transaction(() => wantService(registry, service, want, clock.now()));
  }
  const listing = await runtime.list(signal);
  const jobs = components.map((record): Job<ComponentOutcome> => ({
    name: record.spec.name,
    // Nothing has to wait with ending.
    after: verb === "stop" ? [] : (record.deployment?.spec ?? record.spec).dependsOn,
    run: async (ended) => {
      const { container, spec } = record;
      const subject = subjectOf(options, service, spec.name, listing, record);
      if (verb !== "stop" && subject.status === undefined && record.deployment === undefined) {
        const hint = `Run \`mcp deploy ${service}/${spec.name}\``;
        const error = `Cannot start "${service}/${spec.name}": it was never deployed (${hint})`;
        return plainOutcome(spec.name, container, "failed", { error });
      }
      const obstacle = brokenDependency(ended);
      if (obstacle !== undefined) {
        return plainOutcome(spec.name, container, "skipped", { error: obstacle });
      }
      let proved: Proved | undefined;
      const plan = planOf(verb, subject, record, registry);
      const outcome = await execute(plan, options, (found) => void (proved = found));
      await rememberSeen(options, record, { verb, actor }, proved);
      return outcome;
    },
  }));
  return await inOrder(jobs, parallelComponents);
}

function planOf(
  verb: keyof typeof wanted,
  subject: PlanSubject,
  record: ComponentRecord,
  registry: Registry,
): ComponentPlan {
  if (verb === "stop") return planStop(subject);
  return (verb === "start" ? planStart : planRestart)(subject, targetOf(registry, record));
}

/** The components of a service that MCP is responsible for. */
function managedComponents(registry: Registry, service: string): ComponentRecord[] {
  const record = getService(registry, service);
  const managed = record?.components.filter(({ desired }) => desired !== "ignore") ?? [];
  if (managed.length === 0) {
    throw new McpError("not_found", `There is no service "${service}" on this node`, {
      hint: `Run \`mcp list\` for those there are, or \`mcp deploy ${service}\``,
    });
  }
  return managed;
}
