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

/** The machine's own clock. */
export const realClock: Clock = {
  now: () => new Date(),
  sleep(durationMs, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, durationMs);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};
