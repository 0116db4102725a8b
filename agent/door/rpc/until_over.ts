/**
 * Waiting that ends when the caller is gone, and leaves nothing behind.
 *
 * `Promise.race` leaves a reaction with each promise that it was given until that one settles: a
 * stream that is raced a million times against its own end would keep a million of them.
 *
 * @module
 */

/** Resolves with the work, or when the signal trips; rejects when the work does first. */
export function unlessOver(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve();
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    work.then(() => resolve(), reject)
      .finally(() => signal.removeEventListener("abort", onAbort));
  });
}
