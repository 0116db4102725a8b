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
 * A look at a thousand containers is one listing, and one transaction that writes of each component
 * no more than that it was looked at, unless it is not as it was.
 *
 * @module
 */

import { errorChain, McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import { appendEvent } from "../../registry/events.ts";
import { recordLook, type SeenComponent, seenComponents } from "../../registry/looks.ts";
import type { Registry } from "../../registry/registry.ts";
import { declareDiscovery, recordSighting } from "../../registry/services.ts";
import { pooled } from "../../locks/pooled.ts";
import type { ServiceLocks } from "../../locks/service_locks.ts";
import type { ContainerRuntime, ContainerStatus } from "../../runtime/runtime.ts";
import { originalOf } from "./ownership.ts";
import { isNews, type ProcessEvent, reconcile, type Reconciliation } from "./reconcile.ts";

interface ObserverOptions {
  readonly runtime: Pick<ContainerRuntime, "list" | "inspectAll" | "hasVanished">;
  readonly registry: Registry;
  readonly locks: Pick<ServiceLocks, "mark" | "touchedSince">;
  readonly clock: Clock;
  /** Told of every look that has been remembered, whoever asked for it. */
  readonly onSeen?: (seen: Reconciliation, at: Date) => void;
}

/** The exit code of a process that was killed, by the kernel or by somebody. */
const killedExitCode = 137;
/** Events that are kept for the next look; a crash loop that nobody looks at must not fill memory. */
const mostTold = 1_000;
/** How many containers are asked about at the same time. */
const parallelQuestions = 4;

/** What was seen, and what it was seen in. */
export interface Look extends Reconciliation {
  readonly listing: readonly ContainerStatus[];
  /** From before the listing, for {@link ServiceLocks.touchedSince}. */
  readonly mark: number;
}

/** Looks, and remembers. Looks that are asked for at the same time are one look. */
export class Observer {
  readonly #options: ObserverOptions;
  #underway: Promise<Look> | undefined;
  /** By container, time and exit code: podman may tell the same twice. */
  #told = new Map<string, ProcessEvent>();
  /** Containers that the next look doubts, by name. */
  #doubted: Set<string> | "all" = new Set();

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** Takes note of what the runtime has told; the next look explains itself with it. */
  note(event: ProcessEvent): void {
    if (this.#told.size >= mostTold) return;
    this.#told.set(`${event.container} ${event.at.getTime()} ${event.exitCode}`, event);
  }

  /** Has the next look doubt that these containers run, where they are listed as running. */
  doubt(containers: Iterable<string> | "all"): void {
    if (containers === "all") this.#doubted = "all";
    else if (this.#doubted !== "all") this.#doubted = this.#doubted.union(new Set(containers));
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
    const { runtime, registry, locks, clock, onSeen } = this.#options;
    const mark = locks.mark();
    // What happens from here on may be in the listing or not: it is left to the next look.
    const now = clock.now();
    const listing = await runtime.list();
    const oomKilled = await this.#findOomKilled(listing);
    const vanished = await this.#findVanished(listing);
    // From here to the end of the transaction nothing else runs: no rollout can begin in between.
    const moving = new Set<string>();
    const known: SeenComponent[] = [];
    for (const seen of seenComponents(registry)) {
      if (locks.touchedSince(mark, seen.service, seen.component)) moving.add(seen.container);
      else known.push(seen);
    }
    const told = [...this.#told.values()].filter(({ at }) => at <= now);
    const seen = reconcile(
      known,
      moving.size === 0 ? listing : listing.filter(({ name }) => !isMoving(name, moving)),
      now,
      { told, oomKilled, vanished },
    );
    registry.transaction(() => {
      recordLook(registry, now, moving);
      for (const [at, observation] of seen.observations.entries()) {
        if (isNews(known[at], observation)) recordSighting(registry, observation, now);
      }
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
    const killed = new Set(
      listing.filter(({ exitCode }) => exitCode === killedExitCode).map(({ name }) => name),
    );
    if (killed.size === 0) return new Set();
    const suspects = seenComponents(this.#options.registry)
      .filter(({ container, observed }) => observed === "running" && killed.has(container))
      .map(({ container }) => container);
    if (suspects.length === 0) return new Set();
    const details = await this.#options.runtime.inspectAll(suspects);
    return new Set(suspects.filter((name) => details.get(name)?.oomKilled === true));
  }

  /** Asks about the containers that are listed as running where there is reason to doubt it. */
  async #findVanished(listing: readonly ContainerStatus[]): Promise<Set<string>> {
    const doubted = this.#doubted;
    this.#doubted = new Set();
    const listed = new Set(
      listing.filter(({ status }) => status === "running").map(({ name }) => name),
    );
    const begun = new Set(
      [...this.#told.values()].filter(({ exitCode }) => exitCode === undefined)
        .map(({ container }) => container),
    );
    const isDoubtful = ({ container, desired, observed }: SeenComponent) => {
      if (!listed.has(container)) return false;
      const hadEnded = observed === "exited" || observed === "stopped";
      if (hadEnded && !begun.has(container)) return true;
      return desired !== "ignore" && (doubted === "all" || doubted.has(container));
    };
    const answers = await pooled(
      seenComponents(this.#options.registry).filter(isDoubtful)
        .map(({ container }) => async () => await this.hasVanished(container) ? [container] : []),
      parallelQuestions,
    );
    return new Set(answers.flat());
  }

  /** Whether a container that is listed as running has no process; not so if it cannot be asked. */
  async hasVanished(name: string): Promise<boolean> {
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
}

/** Whether a container is one that a rollout is moving, or the one it has set aside. */
function isMoving(name: string, moving: ReadonlySet<string>): boolean {
  const successor = originalOf(name);
  return moving.has(name) || (successor !== undefined && moving.has(successor));
}
