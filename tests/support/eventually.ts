/**
 * Waiting for what happens outside this process, where nothing tells when it has.
 *
 * The limit is only there so that what never comes fails by its name: a machine that does much else
 * is given all the time that it needs.
 *
 * @module
 */

/** Looks come at once first, and then apart: many of them run a program that takes the machine's time. */
const firstIntervalMs = 10;
const longestIntervalMs = 250;

/**
 * Looks until there is something to see.
 *
 * @param what What is waited for, for the error when it does not come.
 * @param look Gives undefined as long as there is nothing to see.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined>,
  withinMs = 300_000,
): Promise<T> {
  const giveUpAt = Date.now() + withinMs;
  for (
    let intervalMs = firstIntervalMs;;
    intervalMs = Math.min(1.5 * intervalMs, longestIntervalMs)
  ) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > giveUpAt) throw new Error(`Within ${withinMs / 1000} s not seen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
