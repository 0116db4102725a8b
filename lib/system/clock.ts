/**
 * Time as a dependency: rules take `now`, loops take a clock.
 *
 * @module
 */

/** What time it is, and waiting for it to pass. */
export interface Clock {
  now(): Date;
  /** Resolves after the duration; rejects with the signal's reason when aborted first. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

/** A timer that is set for longer, almost 25 days, goes off at once. */
export const longestTimerMs = 2 ** 31 - 1;

/** The machine's own clock. */
export const realClock: Clock = {
  now: () => new Date(),
  async sleep(durationMs, signal) {
    let restMs = durationMs;
    for (; restMs > longestTimerMs; restMs -= longestTimerMs) await timer(longestTimerMs, signal);
    await timer(restMs, signal);
  },
};

function timer(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(id);
      reject(signal?.reason);
    };
    const id = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, durationMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
