/**
 * The loop that watches: looks when the runtime tells of something, and when nothing was told
 * for too long.
 *
 * The runtime's events are only a hint to look, and their stream ends without a
 * word: it is begun again with a growing wait, each beginning is followed by a
 * look, and the poll carries on whatever becomes of it. A look that fails is
 * logged, and the next one is made all the same.
 *
 * @module
 */

import { errorChain, McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import type { Observer } from "../reconcile/observe.ts";
import { originalOf } from "../reconcile/ownership.ts";
import type { ServiceLocks } from "../../locks/service_locks.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ContainerRuntime, RuntimeEvent } from "../../runtime/runtime.ts";
import { Patrol } from "./patrol.ts";
import { forgetBefore } from "./pruning.ts";

interface MonitorOptions {
  readonly runtime: Pick<ContainerRuntime, "watch">;
  readonly observer: Pick<Observer, "observeAnew" | "note" | "doubt" | "hasVanished">;
  readonly registry: Registry;
  readonly locks: Pick<ServiceLocks, "untilMoved">;
  readonly clock: Clock;
  /** Resolves when nothing that an earlier run left half-done is left. */
  readonly recovered: () => Promise<void>;
  /** How long nothing may be told before a look is made all the same. */
  readonly intervalMs: number;
  /** How long events, alerts, the audit and the outcomes of rollouts are kept. */
  readonly retentionMs: number;
}

/** What one iteration did. */
interface IterationReport {
  readonly components: number;
  readonly discoveries: number;
  readonly transitions: number;
  readonly elapsedMs: number;
}

/** Looks that events ask for are at least this far apart: a crash loop must not become our own. */
const hintGapMs = 200;
const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/** What can happen to a container that changes its state; a kill is told, and then what it did. */
const tellingStatuses = new Set([
  "start",
  "died",
  "stop",
  "remove",
  "rename",
  "create",
  "pause",
  "unpause",
]);

/** Watches until the signal trips; finishes the iteration that is under way. */
export async function runMonitor(options: MonitorOptions, signal: AbortSignal): Promise<void> {
  const bell = new Bell();
  const following = followEvents(options, bell, signal);
  const chores = new Chores(options, bell, signal);
  const { clock, intervalMs } = options;
  // Whatever happened while nobody watched may have taken conmon along.
  options.observer.doubt("all");
  let dueAt = clock.now().getTime();
  while (!signal.aborted) {
    bell.reset();
    const now = clock.now().getTime();
    // By the clock, and not by whether anything was told: a crash loop must not put it off for ever.
    // A clock that was set back would put it off for as long.
    const isDue = now >= dueAt || dueAt - now > intervalMs;
    if (isDue) dueAt = now + intervalMs;
    await attempt(options);
    if (isDue) chores.begin();
    const rung = await sleepUnlessRung(clock, hintGapMs, bell, signal, { atLeast: true });
    if (!rung) await sleepUnlessRung(clock, intervalMs - hintGapMs, bell, signal);
  }
  await following;
  await chores.ended();
}

/** One iteration: look, remember. */
export async function iterate(
  { clock, observer, recovered }: Pick<MonitorOptions, "clock" | "observer" | "recovered">,
): Promise<IterationReport> {
  const beganAt = clock.now();
  await recovered();
  const seen = await observer.observeAnew();
  return {
    components: seen.observations.length,
    discoveries: seen.discoveries.length,
    transitions: seen.transitions.length,
    elapsedMs: clock.now().getTime() - beganAt.getTime(),
  };
}

async function attempt(options: MonitorOptions): Promise<void> {
  try {
    const report = await iterate(options);
    log.monitor.debug(
      "Looked at {components} components in {elapsedMs} ms: {transitions} transitions",
      { ...report },
    );
  } catch (error) {
    // A look that fails must not end the loop: the next one may succeed.
    log.monitor.error("Cannot look at the containers: {reason}", {
      reason: errorChain(error),
      ...(error instanceof McpError ? {} : { stack: (error as Error).stack }),
    });
  }
}

/** What is done once in an interval, beside the looks: it may take its time. */
class Chores {
  readonly #options: MonitorOptions;
  readonly #patrol: Patrol;
  readonly #signal: AbortSignal;
  #underway: Promise<void> | undefined;

  constructor(options: MonitorOptions, bell: Bell, signal: AbortSignal) {
    this.#options = options;
    const { registry, observer } = options;
    this.#patrol = new Patrol({ registry, observer, onSuspect: () => bell.ring() });
    this.#signal = signal;
  }

  /** Begins, unless the last ones are still under way. */
  begin(): void {
    this.#underway ??= this.#do().finally(() => this.#underway = undefined);
  }

  /** Resolves when none are under way. */
  async ended(): Promise<void> {
    await this.#underway;
  }

  async #do(): Promise<void> {
    const { clock, retentionMs } = this.#options;
    try {
      await this.#patrol.turn(this.#signal);
      const before = new Date(clock.now().getTime() - retentionMs);
      const rows = await forgetBefore(before, this.#options, this.#signal);
      if (rows > 0) log.monitor.debug("Forgot {rows} rows that were too old", { rows });
    } catch (error) {
      // They are tried again in the next interval; the looks go on meanwhile.
      log.monitor.error("Cannot doubt what runs, or forget what is too old: {reason}", {
        reason: errorChain(error),
        ...(error instanceof McpError ? {} : { stack: (error as Error).stack }),
      });
    }
  }
}

/** Keeps a stream of events open, as long as that can be done. */
async function followEvents(
  { runtime, observer, locks, clock }: MonitorOptions,
  bell: Bell,
  signal: AbortSignal,
): Promise<void> {
  let retryMs = firstRetryMs;
  const onEvent = ({ container, status, at, exitCode }: RuntimeEvent) => {
    if (exitCode !== undefined || status === "start") observer.note({ container, exitCode, at });
    if (!tellingStatuses.has(status)) return;
    // A look leaves alone what is being moved: one when that is done sees what came of it.
    const moved = locks.untilMoved(originalOf(container) ?? container);
    if (moved === undefined) bell.ring();
    else void moved.then(() => bell.ring());
  };
  while (!signal.aborted) {
    const beganAt = clock.now().getTime();
    let reason = "the stream ended";
    try {
      await runtime.watch(onEvent, signal);
    } catch (error) {
      // Whatever it was: without events the poll goes on, and without this loop there are none.
      reason = errorChain(error);
    }
    if (signal.aborted) return;
    // What happened while nobody listened is found by looking; what ended the stream may have been
    // what killed a conmon.
    observer.doubt("all");
    bell.ring();
    if (clock.now().getTime() - beganAt > longestRetryMs) retryMs = firstRetryMs;
    log.monitor.info("Events are not told for {retryMs} ms ({reason}); polling goes on", {
      retryMs,
      reason,
    });
    await clock.sleep(retryMs, signal).catch(() => {});
    retryMs = Math.min(2 * retryMs, longestRetryMs);
  }
}

/** Rung when there is something to look at. */
class Bell {
  #rung = Promise.withResolvers<void>();

  ring(): void {
    this.#rung.resolve();
  }

  reset(): void {
    this.#rung = Promise.withResolvers();
  }

  get rung(): Promise<void> {
    return this.#rung.promise;
  }
}

/**
 * Sleeps until the time is over or the bell rings; whether it rang.
 *
 * @param options.atLeast Sleeps the whole time even when it rings.
 */
async function sleepUnlessRung(
  clock: Clock,
  durationMs: number,
  bell: Bell,
  signal: AbortSignal,
  { atLeast = false }: { readonly atLeast?: boolean } = {},
): Promise<boolean> {
  const woken = new AbortController();
  let hasRung = false;
  bell.rung.then(() => {
    hasRung = true;
    if (!atLeast) woken.abort();
  });
  await clock.sleep(Math.max(0, durationMs), AbortSignal.any([signal, woken.signal]))
    .catch(() => {});
  return hasRung;
}
