/**
 * Takes the operator's intent for the whole node: declared specs and desired states.
 *
 * Stops what is inactive and starts nothing. Services that the sync does not
 * mention are reported and left alone.
 *
 * @module
 */

import { containerName } from "../../../lib/domain/names.ts";
import type { ServiceSpec } from "../../../lib/domain/service_spec.ts";
import { errorChain, McpError } from "../../../lib/errors.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import type { Registry } from "../../registry/registry.ts";
import {
  declareService,
  forgetComponent,
  getService,
  listServices,
  ownerOfContainer,
  wantService,
} from "../../registry/services.ts";
import { type Allowance, requireAllowed } from "../rollout/allowed.ts";
import type { Actor } from "../rollout/context.ts";
import type { Rollout } from "../rollout/rollout.ts";
import type { ServiceLocks } from "../../locks/service_locks.ts";
import type { Observer } from "../../watch/reconcile/observe.ts";
import { planSync, type SyncPlan } from "./sync.ts";

interface SynchronizationOptions extends Allowance {
  readonly registry: Registry;
  readonly observer: Pick<Observer, "observeAnew">;
  readonly rollout: Pick<Rollout, "stop">;
  readonly locks: Pick<ServiceLocks, "acquire">;
  readonly clock: Clock;
}

/** What a sync did to one service. */
interface SyncOutcome {
  readonly service: string;
  readonly changed: boolean;
  readonly summary: string;
  /** Why it, or a part of it, was not taken as pushed; empty when it was. */
  readonly error: string;
}

/** Takes pushed specs. */
export class Synchronization {
  readonly #options: SynchronizationOptions;

  constructor(options: SynchronizationOptions) {
    this.#options = options;
  }

  /**
   * Synchronizes the whole node. A service that cannot be taken is told in its outcome, and does
   * not keep the others from it.
   *
   * @throws {McpError} `unavailable` when the runtime cannot be asked; then nothing has changed.
   */
  async sync(specs: readonly ServiceSpec[], actor: Actor): Promise<SyncOutcome[]> {
    const { registry, observer } = this.#options;
    await observer.observeAnew();
    const outcomes: SyncOutcome[] = [];
    for (const spec of specs) outcomes.push(await this.#take(spec, actor));
    const mentioned = new Set(specs.map(({ name }) => name));
    for (const { name, components } of listServices(registry)) {
      if (mentioned.has(name)) continue;
      const isManaged = components.some(({ desired }) => desired !== "ignore");
      const what = isManaged ? "not in this sync" : "found on the node, not managed";
      outcomes.push({ service: name, changed: false, summary: `${what}; left alone`, error: "" });
    }
    return outcomes;
  }

  async #take(spec: ServiceSpec, actor: Actor): Promise<SyncOutcome> {
    const service = spec.name;
    let plan: SyncPlan;
    try {
      plan = this.#declare(spec, actor);
    } catch (error) {
      const reason = reasonOf(error);
      return { service, changed: false, summary: `refused: ${reason}`, error: reason };
    }
    if (!plan.stops) return { service, changed: plan.changed, summary: plan.summary, error: "" };
    const { stopped, failures } = await this.#stop(service, actor);
    return {
      service,
      changed: true,
      summary: [plan.summary, ...stopped, ...failures].join("; "),
      error: failures.join("; "),
    };
  }

  /** Stops what is wanted stopped by now; how that went, for people. */
  async #stop(
    service: string,
    actor: Actor,
  ): Promise<{ readonly stopped: string[]; readonly failures: string[] }> {
    try {
      const outcomes = await this.#options.rollout.stop(service, actor);
      const names = outcomes.filter(({ success, summary }) => success && summary === "stopped")
        .map(({ component }) => component);
      return {
        stopped: names.length === 0 ? [] : [`stopped ${names.join(", ")}`],
        failures: outcomes.filter(({ success }) => !success)
          .map(({ component, error }) => `could not stop ${component}: ${error}`),
      };
    } catch (error) {
      return { stopped: [], failures: [`could not stop it: ${reasonOf(error)}`] };
    }
  }

  #declare(spec: ServiceSpec, actor: Actor) {
    const { registry, locks, clock } = this.#options;
    using _lock = locks.acquire(spec.name, { verb: "sync", actor: actor.subject, components: [] });
    this.#requireFree(spec);
    const before = getService(registry, spec.name);
    requireAllowed(spec.name, spec.components, this.#options, {
      verb: "sync",
      // What was adopted may stay as it was found.
      had: (name) =>
        before?.components.find((record) => record.spec.name === name)?.deployment?.spec,
    });
    const plan = planSync(spec, before);
    registry.transaction(() => {
      const now = clock.now();
      for (const { name } of spec.components) {
        const owner = ownerOfContainer(registry, containerName(spec.name, name));
        if (owner !== undefined && owner.service !== spec.name) {
          forgetComponent(registry, owner.service, owner.component);
        }
      }
      declareService(registry, spec, now);
      wantService(registry, spec.name, spec.active ? "running" : "stopped", now);
    });
    return plan;
  }

  /** Refuses a spec whose containers are somebody else's. */
  #requireFree(spec: ServiceSpec): void {
    for (const { name } of spec.components) {
      const container = containerName(spec.name, name);
      const owner = ownerOfContainer(this.#options.registry, container);
      if (owner === undefined || (owner.service === spec.name && owner.desired !== "ignore")) {
        continue;
      }
      if (owner.desired !== "ignore") {
        throw new McpError(
          "conflict",
          `the container "${container}" belongs to ${owner.service}/${owner.component}`,
        );
      }
      const record = getService(this.#options.registry, owner.service)?.components
        .find(({ spec: { name: component } }) => component === owner.component);
      if (record?.observed === "removed") continue;
      throw new McpError(
        "conflict",
        `a container "${container}" exists that MCP did not create`,
        { hint: `Run \`mcp adopt ${spec.name}\` first` },
      );
    }
  }
}

/** Why a service was not taken, with what to do; lets a defect through. */
function reasonOf(error: unknown): string {
  if (!(error instanceof McpError)) throw error;
  const details = error.details.length === 0 ? "" : `: ${error.details.join("; ")}`;
  return `${errorChain(error)}${details}${error.hint === undefined ? "" : ` (${error.hint})`}`;
}
