/**
 * Changes what runs: intent first, then plans, then doing, then what came of it.
 *
 * Every verb takes the service's turn, writes the intent in one transaction
 * before anything moves, looks at the runtime once, plans each component, and
 * carries the plans out side by side: one component failing does not stop the
 * others.
 *
 * @module
 */

import type { ComponentSpec } from "../../lib/domain/component_spec.ts";
import { imageVersion } from "../../lib/domain/image.ts";
import { containerName } from "../../lib/domain/names.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import { observedFromPodman } from "../../lib/domain/state.ts";
import { errorChain, McpError } from "../../lib/errors.ts";
import { log } from "../../lib/log.ts";
import { asideName, labelledComponent } from "../reconcile/ownership.ts";
import { appendEvent } from "../registry/events.ts";
import type { Registry } from "../registry/registry.ts";
import {
  beginRevision,
  finishComponent,
  finishRevision,
  type RevisionOutcome,
} from "../registry/revisions.ts";
import {
  type ComponentRecord,
  declareService,
  forgetComponent,
  getService,
  ownerOfContainer,
  recordSighting,
  recordVersion,
  type ServiceRecord,
  wantComponent,
  wantService,
} from "../registry/services.ts";
import type { ContainerDetail, ContainerStatus } from "../runtime/runtime.ts";
import { type ComponentOutcome, execute, type ExecuteOptions } from "./execute.ts";
import {
  planDeploy,
  planRemove,
  planRestart,
  planStart,
  planStop,
  type PlanSubject,
  type Target,
} from "./plan.ts";
import { pooled } from "./pooled.ts";
import type { ComponentPlan } from "./steps.ts";
import type { Turns } from "./turns.ts";

/** What a rollout needs. */
export interface RolloutOptions extends ExecuteOptions {
  /** Resolves when nothing that an earlier run of the agent left half-done is left. */
  readonly recovered: () => Promise<void>;
  readonly node: string;
  readonly serviceRoot: string;
  readonly registry: Registry;
  readonly turns: Turns;
}

/** Who asks for a rollout. */
export interface Actor {
  readonly subject: string;
}

/** How many components of one service move at the same time. */
const parallelComponents = 8;

/** Deploys, stops, starts and restarts services. */
export class Rollout {
  readonly #options: RolloutOptions;

  constructor(options: RolloutOptions) {
    this.#options = options;
  }

  /**
   * Puts a service, or one component of it, into service.
   *
   * A whole-service deploy also removes the components that MCP itself deployed
   * and the spec no longer lists.
   *
   * @throws {McpError} `conflict` when the service is being moved already or a
   *   container of its name belongs to somebody else; then nothing has changed.
   */
  async deploy(
    spec: ServiceSpec,
    only: string | undefined,
    actor: Actor,
  ): Promise<{ readonly revision: number; readonly outcomes: readonly ComponentOutcome[] }> {
    const { registry, clock, signal } = this.#options;
    await this.#options.recovered();
    const targets = spec.components.filter(({ name }) => only === undefined || name === only);
    const before = getService(registry, spec.name);
    const unlisted = only === undefined ? unlistedComponents(before, spec) : [];
    using _turn = this.#options.turns.take(spec.name, {
      verb: "deploy",
      actor: actor.subject,
      components: [...targets, ...unlisted.map((record) => record.spec)].map(({ name }) => name),
    });
    const listing = await this.#options.runtime.list(signal);
    this.#requireOwn(spec.name, spec.components, listing);
    // An adopted container stays. A component without a container and a deployment, say one that was
    // misspelt and never came up, is forgotten: it would be drift for ever.
    const dropped = unlisted.filter(({ deployment, container }) =>
      deployment?.origin === "deploy" || !listing.some(({ name }) => name === container)
    );

    const revision = registry.transaction(() => {
      const now = clock.now();
      // A container of one of these names may have been discovered once and be gone by now.
      for (const { name } of spec.components) {
        const owner = ownerOfContainer(registry, containerName(spec.name, name));
        if (owner !== undefined && owner.service !== spec.name) {
          forgetComponent(registry, owner.service, owner.component);
        }
      }
      declareService(registry, { ...spec, active: true }, now);
      for (const { name } of targets) {
        wantComponent(registry, spec.name, name, "running", now);
      }
      return beginRevision(registry, {
        service: spec.name,
        component: only,
        components: targets,
        actor: actor.subject,
        origin: "deploy",
        now,
      });
    });

    const deploys = targets.map((component) => {
      const known = before?.components.find((record) => record.spec.name === component.name);
      const subject = this.#subject(spec.name, component.name, listing);
      const version = { from: known?.version ?? "", to: imageVersion(component.image) };
      const plan = planDeploy(subject, { spec: component, revision }, version);
      return () => this.#deployComponent(spec.name, component, revision, plan, actor);
    });
    const removals = dropped.map((record) => () => this.#remove(record, listing, actor));
    try {
      const outcomes = await pooled([...deploys, ...removals], parallelComponents);
      finishRevision(registry, spec.name, revision, summarize(outcomes), clock.now());
      return { revision, outcomes };
    } catch (error) {
      // Only an abort or a defect ends up here: the runtime's failures are outcomes.
      finishRevision(registry, spec.name, revision, "interrupted", clock.now());
      log.rollout.error("Deploy {revision} of {service} was interrupted", {
        revision,
        service: spec.name,
      });
      throw error;
    }
  }

  /** Wants every component stopped, then stops it. */
  async stop(service: string, actor: Actor): Promise<readonly ComponentOutcome[]> {
    return await this.#forEach(service, "stop", actor, {
      want: "stopped",
      plan: (subject) => planStop(subject),
    });
  }

  /** Wants every component running, then starts it. */
  async start(service: string, actor: Actor): Promise<readonly ComponentOutcome[]> {
    return await this.#forEach(service, "start", actor, {
      want: "running",
      plan: (subject, record) => planStart(subject, requireTarget(record, subject)),
    });
  }

  /** Restarts what should be running; changes no desired state. */
  async restart(service: string, actor: Actor): Promise<readonly ComponentOutcome[]> {
    return await this.#forEach(service, "restart", actor, {
      want: undefined,
      plan: (subject, record) => planRestart(subject, requireTarget(record, subject)),
    });
  }

  async #forEach(
    service: string,
    verb: "stop" | "start" | "restart",
    actor: Actor,
    how: {
      readonly want: "running" | "stopped" | undefined;
      readonly plan: (subject: PlanSubject, record: ComponentRecord) => ComponentPlan;
    },
  ): Promise<readonly ComponentOutcome[]> {
    const { registry, clock, turns, runtime, signal } = this.#options;
    await this.#options.recovered();
    const components = managedComponents(registry, service)
      .filter(({ desired }) => verb !== "restart" || desired === "running");
    if (components.length === 0) {
      throw new McpError("conflict", `Cannot restart "${service}": all of it should be stopped`, {
        hint: `Run \`mcp start ${service}\``,
      });
    }
    using _turn = turns.take(service, {
      verb,
      actor: actor.subject,
      components: components.map(({ spec }) => spec.name),
    });
    const { want } = how;
    if (want !== undefined) {
      registry.transaction(() => wantService(registry, service, want, clock.now()));
    }
    const listing = await runtime.list(signal);
    return await pooled(
      components.map((record) => async () => {
        const subject = this.#subject(service, record.spec.name, listing, record.container);
        let plan: ComponentPlan;
        try {
          plan = how.plan(subject, record);
        } catch (error) {
          if (!(error instanceof McpError)) throw error;
          return failedOutcome(record, error);
        }
        const outcome = await execute(plan, this.#options, () => {});
        await this.#recordSeen(service, record, verb, actor);
        return outcome;
      }),
      parallelComponents,
    );
  }

  async #deployComponent(
    service: string,
    spec: ComponentSpec,
    revision: number,
    plan: ComponentPlan,
    actor: Actor,
  ): Promise<ComponentOutcome> {
    const { registry, clock } = this.#options;
    const finish = (outcome: "succeeded" | "failed", imageId: string, error: string) =>
      registry.transaction(() => {
        const now = clock.now();
        const component = spec.name;
        finishComponent(registry, { service, revision, component, outcome, imageId, error, now });
        if (outcome === "succeeded") {
          recordVersion(registry, service, component, imageVersion(spec.image));
        }
      });
    const outcome = await execute(plan, this.#options, async () => {
      const detail = await this.#look(plan.container);
      finish("succeeded", detail === "not seen" ? "" : detail?.imageId ?? "", "");
    });
    if (!outcome.success) finish("failed", "", outcome.error);
    const record = getService(registry, service)?.components
      .find((candidate) => candidate.spec.name === spec.name);
    if (record !== undefined) {
      await this.#recordSeen(service, record, "deploy", actor);
    }
    log.rollout.info("Deploy {revision} of {service}/{component}: {result}", {
      revision,
      service,
      component: spec.name,
      result: outcome.success ? outcome.summary : outcome.error,
    });
    return outcome;
  }

  async #remove(
    record: ComponentRecord,
    listing: readonly ContainerStatus[],
    actor: Actor,
  ): Promise<ComponentOutcome> {
    const { registry, clock } = this.#options;
    const component = record.spec.name;
    const subject = this.#subject(record.service, component, listing, record.container);
    const outcome = await execute(
      planRemove(subject),
      this.#options,
      () =>
        registry.transaction(() => {
          if (record.observed !== "removed") {
            appendEvent(registry, {
              service: record.service,
              component,
              previous: record.observed,
              next: "removed",
              at: clock.now(),
              cause: `deploy by ${actor.subject}`,
              actor: actor.subject,
            });
          }
          forgetComponent(registry, record.service, component);
        }),
    );
    return outcome;
  }

  /**
   * Looks at a container after it was moved. A runtime that cannot be asked then
   * does not undo what was done: nothing is remembered but what was seen, and the
   * next look at the node tells.
   */
  async #look(container: string): Promise<ContainerDetail | undefined | "not seen"> {
    const { runtime, signal } = this.#options;
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

  /** Looks at one component after it was moved, and remembers it with who moved it. */
  async #recordSeen(
    service: string,
    record: ComponentRecord,
    verb: string,
    actor: Actor,
  ): Promise<void> {
    const { registry, clock } = this.#options;
    const detail = await this.#look(record.container);
    if (detail === "not seen") return;
    const current = getService(registry, service)?.components
      .find(({ spec }) => spec.name === record.spec.name) ?? record;
    const observed = detail === undefined
      ? "removed"
      : observedFromPodman(detail.status, current.desired);
    const now = clock.now();
    registry.transaction(() => {
      recordSighting(registry, {
        service,
        component: record.spec.name,
        observed,
        startedAt: observed === "running" ? detail?.startedAt : undefined,
        exitCode: observed === "exited" ? detail?.exitCode : undefined,
      }, now);
      if (observed !== current.observed) {
        appendEvent(registry, {
          service,
          component: record.spec.name,
          previous: current.observed,
          next: observed,
          at: now,
          cause: `${verb} by ${actor.subject}`,
          actor: actor.subject,
        });
      }
    });
  }

  #subject(
    service: string,
    component: string,
    listing: readonly ContainerStatus[],
    container = containerName(service, component),
  ): PlanSubject {
    const aside = asideName(container);
    return {
      node: this.#options.node,
      service,
      component,
      container,
      status: listing.find(({ name }) => name === container)?.status,
      hasAside: listing.some(({ name }) => name === aside),
      serviceRoot: this.#options.serviceRoot,
    };
  }

  /**
   * Refuses to replace a container that is not the component's own: one that
   * another service claims, or one that MCP was never told of.
   */
  #requireOwn(
    service: string,
    components: readonly ComponentSpec[],
    listing: readonly ContainerStatus[],
  ): void {
    for (const { name } of components) {
      const container = containerName(service, name);
      const owner = ownerOfContainer(this.#options.registry, container);
      const isForeign = owner !== undefined &&
        (owner.service !== service || owner.component !== name);
      if (isForeign && owner.desired !== "ignore") {
        throw new McpError(
          "conflict",
          `Cannot deploy "${service}/${name}": its container "${container}" belongs to ${owner.service}/${owner.component}`,
          { hint: "Rename one of the two components" },
        );
      }
      const existing = listing.find((candidate) => candidate.name === container);
      // A label outlives the registry: what MCP made stays ours after an older one was restored.
      const claim = existing && labelledComponent(existing);
      const isLabelled = claim?.service === service && claim.component === name;
      const isUnmanaged = owner === undefined || owner.desired === "ignore";
      if (existing !== undefined && isUnmanaged && !isLabelled) {
        throw new McpError(
          "conflict",
          `Cannot deploy "${service}/${name}": a container "${container}" exists that MCP did not create`,
          { hint: `Run \`mcp adopt ${service}\`, or remove the container with podman` },
        );
      }
    }
  }
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

/** The components that MCP is responsible for and the spec no longer lists. */
function unlistedComponents(
  before: ServiceRecord | undefined,
  spec: ServiceSpec,
): ComponentRecord[] {
  const listed = new Set(spec.components.map(({ name }) => name));
  return before?.components.filter((record) =>
    !listed.has(record.spec.name) && record.desired !== "ignore"
  ) ?? [];
}

/** What a component's container is made of; one that exists does not need to be known. */
function requireTarget(record: ComponentRecord, subject: PlanSubject): Target {
  if (record.deployment !== undefined) return record.deployment;
  if (subject.status !== undefined) return { spec: record.spec, revision: 0 };
  throw new McpError(
    "conflict",
    `Cannot start "${record.service}/${record.spec.name}": it was never deployed`,
    { hint: `Run \`mcp deploy ${record.service}/${record.spec.name}\`` },
  );
}

function failedOutcome(record: ComponentRecord, error: McpError): ComponentOutcome {
  return {
    component: record.spec.name,
    container: record.container,
    success: false,
    summary: "",
    error: error.hint === undefined ? error.message : `${error.message} (${error.hint})`,
    logTail: [],
  };
}

function summarize(outcomes: readonly ComponentOutcome[]): RevisionOutcome {
  const succeeded = outcomes.filter(({ success }) => success).length;
  return succeeded === outcomes.length ? "succeeded" : succeeded === 0 ? "failed" : "partial";
}
