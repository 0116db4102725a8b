/**
 * After a boot, what should run is started: podman brings nothing back by itself.
 *
 * What should run is what the registry wants running and whose restart policy allows it; what was
 * stopped stays stopped, which podman 4.3 could not tell apart; a job is not run again. Nothing is done when only the agent
 * was started again: a component that ended while nobody looked is drift, to be told.
 *
 * @module
 */

import { observedFromPodman } from "../../../lib/domain/state.ts";
import { log } from "../../../lib/log.ts";
import { hasBooted } from "../../node/boot.ts";
import { appendEvent } from "../../registry/events.ts";
import { lastStart, rememberStart } from "../../registry/last_start.ts";
import { type ComponentRecord, listServices, recordSighting } from "../../registry/services.ts";
import type { ContainerStatus } from "../../runtime/runtime.ts";
import { type ComponentOutcome, execute } from "./execute.ts";
import { planRemake, planStartAfterBoot } from "./plan.ts";
import { pooled } from "../../locks/pooled.ts";
import { type RolloutOptions, subjectOf, targetOf } from "./context.ts";

interface StartAfterBootOptions extends Omit<RolloutOptions, "recovered"> {
  /** For how long the machine has been up. */
  readonly uptimeMs: () => number;
}

/** Who is named for what the agent does of its own accord. */
const actor = "mcp-agent";
/** How many components are started at the same time. */
const parallelStarts = 8;

/**
 * Starts what should run, if the machine has booted since the agent last began.
 *
 * Killed half-way, the next run does it again: it is remembered as done when it is done.
 *
 * @throws {McpError} `unavailable` when the runtime cannot be asked.
 */
export async function startAfterBoot(options: StartAfterBootOptions): Promise<void> {
  const { registry, clock } = options;
  const now = { at: clock.now(), uptimeMs: options.uptimeMs() };
  const last = lastStart(registry);
  if (last !== undefined && hasBooted(last, now)) {
    await startAll(options, new Date(now.at.getTime() - now.uptimeMs));
  }
  rememberStart(registry, now);
}

async function startAll(options: StartAfterBootOptions, bootedAt: Date): Promise<void> {
  const { registry, runtime, locks, signal } = options;
  const listing = await runtime.list(signal);
  const statuses = new Map(listing.map(({ name, status }) => [name, status]));
  const down = listServices(registry).flatMap(({ components }) => components)
    .filter((record) => shouldRun(record) && statuses.get(record.container) !== "running");
  const names = Map.groupBy(down, ({ service }) => service);
  // Whoever looks meanwhile leaves these components to us.
  using taken = new DisposableStack();
  for (const [service, records] of names) {
    const components = records.map(({ spec }) => spec.name);
    taken.use(locks.acquire(service, { verb: "start after the boot", actor, components }));
  }
  const outcomes = await pooled(
    down.map((record) => async () => {
      const outcome = await start(record, listing, options);
      const where = { service: record.service, component: record.spec.name };
      if (outcome.success) {
        log.rollout.info("The node has booted: {service}/{component} {summary}", {
          ...where,
          summary: outcome.summary,
        });
      } else {
        log.rollout.error("The node has booted: cannot start {service}/{component}: {error}", {
          ...where,
          error: outcome.error,
        });
      }
      return { record, success: outcome.success };
    }),
    parallelStarts,
  );
  const started = outcomes.filter(({ success }) => success).map(({ record }) => record);
  remember(started, await runtime.list(signal), options, bootedAt);
}

function shouldRun({ desired, deployment, spec }: ComponentRecord): boolean {
  const { kind, restart } = deployment?.spec ?? spec;
  return desired === "running" && kind === "service" && restart !== "no";
}

/** Starts one; where that fails, makes it again from its deployed spec. */
async function start(
  record: ComponentRecord,
  listing: readonly ContainerStatus[],
  options: StartAfterBootOptions,
): Promise<ComponentOutcome> {
  const { service, spec, container, deployment } = record;
  const subject = subjectOf(options, service, spec.name, listing, record);
  const target = targetOf(options.registry, record);
  const outcome = await execute(planStartAfterBoot(subject, target), options, () => {});
  const canBeRemade = subject.status !== undefined && !subject.hasPrevious &&
    deployment !== undefined && deployment.origin !== "adopt";
  if (outcome.success || !canBeRemade) return outcome;
  log.rollout.warn("Cannot start {container} after the boot, making it again: {error}", {
    container,
    error: outcome.error,
  });
  return await execute(planRemake(subject, target), options, () => {});
}

/** Remembers what was started, so that no look takes it for something that happened by itself. */
function remember(
  started: readonly ComponentRecord[],
  listing: readonly ContainerStatus[],
  { registry, clock }: StartAfterBootOptions,
  bootedAt: Date,
): void {
  const byName = new Map(listing.map((container) => [container.name, container]));
  const now = clock.now();
  registry.transaction(() => {
    for (const { service, spec, container: name, desired, observed: before } of started) {
      const container = byName.get(name);
      if (container === undefined) continue;
      const component = spec.name;
      const observed = observedFromPodman(container.status, desired);
      // What became of it since is for the next look, which tells of it.
      if (observed !== "running") continue;
      const { startedAt } = container;
      recordSighting(
        registry,
        { service, component, observed, startedAt, exitCode: undefined },
        now,
      );
      const event = { service, component, actor };
      if (before === "running") {
        const cause = "the node went down";
        appendEvent(registry, { ...event, previous: before, next: "exited", at: bootedAt, cause });
      }
      const previous = before === "running" ? "exited" : before;
      const cause = "started after the node booted";
      appendEvent(registry, { ...event, previous, next: observed, at: now, cause });
    }
  });
}
