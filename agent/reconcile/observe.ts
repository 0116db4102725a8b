/**
 * Looks at the runtime and remembers what was seen; shared by everything that looks.
 *
 * Components that a rollout is moving are left to that rollout: a look that
 * began before it ended may have seen the gap between the old container and
 * the new one, and must not be believed.
 *
 * @module
 */

import type { Clock } from "../../lib/system/clock.ts";
import { appendEvent } from "../registry/events.ts";
import type { Registry } from "../registry/registry.ts";
import { declareDiscovery, listServices, recordSighting } from "../registry/services.ts";
import type { Turns } from "../rollout/turns.ts";
import type { ContainerRuntime } from "../runtime/runtime.ts";
import { asideOf } from "./ownership.ts";
import { reconcile, type Reconciliation } from "./reconcile.ts";

/** What looking needs. */
export interface ObserverOptions {
  readonly runtime: Pick<ContainerRuntime, "list">;
  readonly registry: Registry;
  readonly turns: Pick<Turns, "mark" | "touchedSince">;
  readonly clock: Clock;
}

/** Looks, and remembers. Looks that are asked for at the same time are one look. */
export class Observer {
  readonly #options: ObserverOptions;
  #underway: Promise<Reconciliation> | undefined;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /**
   * Looks at the runtime once and remembers all of it in one transaction.
   *
   * @throws {McpError} `unavailable` when the runtime cannot be asked; then nothing
   *   is remembered, and the registry keeps saying when it last really saw.
   */
  async observe(): Promise<Reconciliation> {
    this.#underway ??= this.#look().finally(() => this.#underway = undefined);
    return await this.#underway;
  }

  async #look(): Promise<Reconciliation> {
    const { runtime, registry, turns, clock } = this.#options;
    const mark = turns.mark();
    const listing = await runtime.list();
    const now = clock.now();
    const known = listServices(registry).flatMap(({ components }) => components);
    // From here to the end of the transaction nothing else runs: no rollout can begin in between.
    const moving = known.filter(({ service, spec }) =>
      turns.touchedSince(mark, service, spec.name)
    );
    const movingContainers = new Set(moving.map(({ container }) => container));
    const seen = reconcile(
      known.filter(({ container }) => !movingContainers.has(container)).map((component) => ({
        service: component.service,
        component: component.spec.name,
        container: component.container,
        desired: component.desired,
        observed: component.observed,
      })),
      listing.filter(({ name }) => !isMoving(name, movingContainers)),
      now,
    );
    registry.transaction(() => {
      for (const observation of seen.observations) recordSighting(registry, observation, now);
      for (const discovery of seen.discoveries) {
        declareDiscovery(registry, discovery, now);
        recordSighting(registry, discovery, now);
      }
      for (const transition of seen.transitions) appendEvent(registry, transition);
    });
    return seen;
  }
}

/** Whether a container is one that a rollout is moving, or the one it has set aside. */
function isMoving(name: string, moving: ReadonlySet<string>): boolean {
  const successor = asideOf(name);
  return moving.has(name) || (successor !== undefined && moving.has(successor));
}
