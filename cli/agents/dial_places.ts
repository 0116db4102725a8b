/**
 * How many nodes are dialled at once.
 *
 * @module
 */

import type { Clock } from "../../lib/system/clock.ts";
import { Semaphore } from "../../lib/system/semaphore.ts";

/**
 * Lets so many work at once, and the rest wait.
 *
 * Who takes longer than the patience gives its place to the next and goes on beside it: nodes that are
 * dead may take all their time without anybody living waiting for them.
 */
export class DialPlaces {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #patienceMs: number;
  readonly #places: Semaphore;

  constructor(
    clock: Pick<Clock, "sleep">,
    { count, patienceMs }: { readonly count: number; readonly patienceMs: number },
  ) {
    this.#clock = clock;
    this.#places = new Semaphore(count);
    this.#patienceMs = patienceMs;
  }

  /** Does the work when there is a place. */
  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.#places.acquire();
    const done = new AbortController();
    const giveUp = this.#clock.sleep(this.#patienceMs, done.signal).catch(() => {
      // The work is done.
    }).then(() => this.#places.release());
    try {
      return await work();
    } finally {
      done.abort();
      await giveUp;
    }
  }
}
