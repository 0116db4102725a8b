/**
 * How many nodes are dialled at once.
 *
 * @module
 */

import type { Clock } from "../../lib/system/clock.ts";

/**
 * Lets so many work at once, and the rest wait.
 *
 * Who takes longer than the patience gives its place to the next and goes on beside it: nodes that are
 * dead may take all their time without anybody living waiting for them.
 */
export class Places {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #patienceMs: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(
    clock: Pick<Clock, "sleep">,
    { count, patienceMs }: { readonly count: number; readonly patienceMs: number },
  ) {
    this.#clock = clock;
    this.#free = count;
    this.#patienceMs = patienceMs;
  }

  /** Does the work when there is a place. */
  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.#place();
    const done = new AbortController();
    const giveUp = this.#clock.sleep(this.#patienceMs, done.signal).catch(() => {
      // The work is done.
    }).then(() => this.#giveBack());
    try {
      return await work();
    } finally {
      done.abort();
      await giveUp;
    }
  }

  async #place(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Straight to the next, if there is one: nobody may come in between. */
  #giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
