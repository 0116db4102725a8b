/**
 * A clock that a test moves. It stands still until told.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { Clock } from "../../lib/system/clock.ts";

/** How a fake clock begins. */
export interface FakeClockOptions {
  /** What time it is at first. */
  readonly start?: Date;
  /** Every sleep moves the clock to its own end and is over at once. */
  readonly autoAdvance?: boolean;
}

interface Sleeper {
  until: number;
  readonly wake: () => void;
}

/** {@link Clock} without waiting. */
export class FakeClock implements Clock {
  autoAdvance: boolean;
  #now: number;
  #sleepers: Sleeper[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(options: FakeClockOptions = {}) {
    this.#now = (options.start ?? new Date("2030-01-01T00:00:00Z")).getTime();
    this.autoAdvance = options.autoAdvance ?? false;
  }

  now(): Date {
    return new Date(this.#now);
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const until = this.#now + durationMs;
    if (this.autoAdvance || durationMs <= 0) {
      this.#now = Math.max(this.#now, until);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        until,
        wake: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#sleepers.push(sleeper);
      for (const tell of this.#waiting) tell();
      this.#waiting.clear();
    });
  }

  /** How many sleep. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  /** Is set to another time, as by an operator: no time passes, and nobody wakes for it. */
  jump(byMs: number): void {
    this.#now += byMs;
    for (const sleeper of this.#sleepers) sleeper.until += byMs;
  }

  /**
   * Lets time pass, waking sleepers in the order in which their time comes.
   *
   * Between two of them the program gets to run, so that one who goes back to
   * sleep within the time that passes is woken again.
   */
  async advance(durationMs: number): Promise<void> {
    const until = this.#now + durationMs;
    for (;;) {
      await programRuns();
      const next = this.#sleepers.reduce<Sleeper | undefined>(
        (first, other) => first === undefined || other.until < first.until ? other : first,
        undefined,
      );
      if (next === undefined || next.until > until) break;
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.until);
      next.wake();
    }
    this.#now = until;
    await programRuns();
  }

  /** Resolves when at least this many sleep. */
  async sleeping(count: number): Promise<void> {
    while (this.#sleepers.length < count) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }
}

/** Everything that waits for nothing but promises goes on until it waits for something else. */
async function programRuns(): Promise<void> {
  // A timer of no time at all would take two milliseconds, and an hour has thousands of these.
  await new Promise<void>((resolve) => setImmediate(resolve));
}
