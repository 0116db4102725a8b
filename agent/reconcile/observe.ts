/**
 * Looks at the runtime and remembers what was seen; shared by everything that looks.
 *
 * Components that a rollout is moving are left to that rollout: a look that
 * began before it ended may have seen the gap between the old container and
 * the new one, and must not be believed.
 *
 * The list is the truth but for one lie: a container whose conmon was killed with it is listed as
 * running for ever. So a look doubts what is listed as running where there is reason to: whatever
 * was seen to have ended and was not told to have started, and whatever it was told to doubt.
 *
 * @module
 */

import { errorChain, McpError } from "../../lib/errors.ts";
import { log } from "../../lib/log.ts";
import type { Clock } from "../../lib/system/clock.ts";
import { appendEvent } from "../registry/events.ts";
import type { Registry } from "../registry/registry.ts";
import {
  type ComponentRecord,
  declareDiscovery,
  listServices,
  recordSighting,
} from "../registry/services.ts";
import { pooled } from "../rollout/pooled.ts";
import type { Turns } from "../rollout/turns.ts";
import type { ContainerRuntime, ContainerStatus } from "../runtime/runtime.ts";
import { asideOf } from "./ownership.ts";
import { type ProcessEvent, reconcile, type Reconciliation } from "./reconcile.ts";

/** What looking needs. */
export interface ObserverOptions {
  readonly runtime: Pick<ContainerRuntime, "list" | "inspect" | "hasVanished">;
  readonly registry: Registry;
  readonly turns: Pick<Turns, "mark" | "touchedSince">;
  readonly clock: Clock;
  /** Told of every look that has been remembered, whoever asked for it. */
  readonly onSeen?: (seen: Reconciliation, at: Date) => void;
}

/** The exit code of a process that was killed, by the kernel or by somebody. */
const killedExitCode = 137;
/** Events that are kept for the next look; a crash loop that nobody looks at must not fill memory. */
const mostTold = 1_000;
/** Of the containers that run, one in so many is doubted at each turn, and at least so many. */
const doubtedShare = 10;
const leastDoubted = 4;
/** How many containers are asked about at the same time. */
const parallelQuestions = 4;

/** How much a look doubts of what is listed as running. */
export type Doubt = "some" | "all";

/** What was seen, and what it was seen in. */
export interface Look extends Reconciliation {
  readonly listing: readonly ContainerStatus[];
  /** From before the listing, for {@link Turns.touchedSince}. */
  readonly mark: number;
}

/** Looks, and remembers. Looks that are asked for at the same time are one look. */
export class Observer {
  readonly #options: ObserverOptions;
  #underway: Promise<Look> | undefined;
  /** By container, time and exit code: podman may tell the same twice. */
  #told = new Map<string, ProcessEvent>();
  #doubt: Doubt | undefined;
  /** The last container, by name, that had its turn to be doubted. */
  #lastDoubted = "";

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** Takes note of what the runtime has told; the next look explains itself with it. */
  note(event: ProcessEvent): void {
    if (this.#told.size >= mostTold) return;
    this.#told.set(`${event.container} ${event.at.getTime()} ${event.exitCode}`, event);
  }

  /** Has the next look doubt what is listed as running: some of it, each in its turn, or all. */
  doubt(doubt: Doubt): void {
    if (this.#doubt !== "all") this.#doubt = doubt;
  }

  /**
   * Looks at the runtime once and remembers all of it in one transaction.
   *
   * @throws {McpError} `unavailable` when the runtime cannot be asked; then nothing
   *   is remembered, and the registry keeps saying when it last really saw.
   */
  async observe(): Promise<Look> {
    this.#underway ??= this.#look().finally(() => this.#underway = undefined);
    return await this.#underway;
  }

  /** Looks once more, so that what happened before this call is surely seen. */
  async observeAnew(): Promise<Look> {
    // A look that is under way may have listed the containers before it happened.
    await this.#underway?.catch(() => {});
    return await this.observe();
  }

  async #look(): Promise<Look> {
    const { runtime, registry, turns, clock, onSeen } = this.#options;
    const mark = turns.mark();
    // What happens from here on may be in the listing or not: it is left to the next look.
    const now = clock.now();
    const listing = await runtime.list();
    const oomKilled = await this.#findOomKilled(listing);
    const vanished = await this.#findVanished(listing);
    const known = this.#known();
    // From here to the end of the transaction nothing else runs: no rollout can begin in between.
    const moving = known.filter(({ service, spec }) =>
      turns.touchedSince(mark, service, spec.name)
    );
    const movingContainers = new Set(moving.map(({ container }) => container));
    const told = [...this.#told.values()].filter(({ at }) => at <= now);
    const seen = reconcile(
      known.filter(({ container }) => !movingContainers.has(container)).map((component) => ({
        service: component.service,
        component: component.spec.name,
        container: component.container,
        desired: component.desired,
        observed: component.observed,
        observedAt: component.observedAt,
        startedAt: component.startedAt,
      })),
      listing.filter(({ name }) => !isMoving(name, movingContainers)),
      now,
      { told, oomKilled, vanished },
    );
    registry.transaction(() => {
      for (const observation of seen.observations) recordSighting(registry, observation, now);
      for (const discovery of seen.discoveries) {
        declareDiscovery(registry, discovery, now);
        recordSighting(registry, discovery, now);
      }
      for (const transition of seen.transitions) appendEvent(registry, transition);
    });
    // Forgotten when it is remembered: a registry that refused it is told by the next look.
    this.#told = new Map([...this.#told].filter(([_, { at }]) => at > now));
    onSeen?.(seen, now);
    return { ...seen, listing, mark };
  }

  /** Asks about the containers that have just been killed: was it for want of memory? */
  async #findOomKilled(listing: readonly ContainerStatus[]): Promise<Set<string>> {
    const suspects = listing.filter(({ exitCode }) => exitCode === killedExitCode);
    if (suspects.length === 0) return new Set();
    const running = new Set(
      this.#known().filter(({ observed }) => observed === "running").map(({ container }) =>
        container
      ),
    );
    const details = await Promise.all(
      suspects.filter(({ name }) => running.has(name)).map(async ({ name }) => ({
        name,
        detail: await this.#options.runtime.inspect(name),
      })),
    );
    return new Set(details.filter(({ detail }) => detail?.oomKilled).map(({ name }) => name));
  }

  /** Asks about the containers that are listed as running where there is reason to doubt it. */
  async #findVanished(listing: readonly ContainerStatus[]): Promise<Set<string>> {
    const listed = new Set(
      listing.filter(({ status }) => status === "running").map(({ name }) => name),
    );
    const running = this.#known().filter(({ container }) => listed.has(container));
    const begun = new Set(
      [...this.#told.values()].filter(({ exitCode }) => exitCode === undefined)
        .map(({ container }) => container),
    );
    const ended = running.filter(({ container, observed }) =>
      (observed === "exited" || observed === "stopped") && !begun.has(container)
    );
    const managed = running.filter(({ desired }) => desired !== "ignore");
    const doubted = new Set([
      ...ended.map(({ container }) => container),
      ...this.#takeTurn(managed.map(({ container }) => container).sort()),
    ]);
    const answers = await pooled(
      [...doubted].map((name) => async () => await this.#hasVanished(name) ? [name] : []),
      parallelQuestions,
    );
    return new Set(answers.flat());
  }

  /** Those whose turn it is to be doubted, of the containers in the order of their names. */
  #takeTurn(names: readonly string[]): readonly string[] {
    const doubt = this.#doubt;
    this.#doubt = undefined;
    if (doubt === undefined) return [];
    if (doubt === "all") return names;
    const next = names.findIndex((name) => name > this.#lastDoubted);
    const turn = [...names.slice(Math.max(0, next)), ...names.slice(0, Math.max(0, next))]
      .slice(0, Math.max(leastDoubted, Math.ceil(names.length / doubtedShare)));
    this.#lastDoubted = turn.at(-1) ?? "";
    return turn;
  }

  async #hasVanished(name: string): Promise<boolean> {
    try {
      return await this.#options.runtime.hasVanished(name);
    } catch (error) {
      if (!(error instanceof McpError)) throw error;
      // A doubt that cannot be settled is no sight; the listing stands.
      log.podman.debug("Cannot tell whether {container} has vanished: {reason}", {
        container: name,
        reason: errorChain(error),
      });
      return false;
    }
  }

  #known(): ComponentRecord[] {
    return listServices(this.#options.registry).flatMap(({ components }) => components);
  }
}

/** Whether a container is one that a rollout is moving, or the one it has set aside. */
function isMoving(name: string, moving: ReadonlySet<string>): boolean {
  const successor = asideOf(name);
  return moving.has(name) || (successor !== undefined && moving.has(successor));
}
