/**
 * Runs jobs side by side, a few at a time.
 *
 * @module
 */

import { Semaphore } from "../../lib/system/semaphore.ts";

/**
 * Runs all jobs, at most `width` at once; results in the order of the jobs.
 *
 * When a job throws, the others are awaited before the first error is passed
 * on: nothing goes on in the background after this has returned.
 */
export async function pooled<T>(
  jobs: readonly (() => Promise<T>)[],
  width: number,
): Promise<T[]> {
  const room = new Semaphore(width);
  const results = await Promise.allSettled(jobs.map((job) => room.run(job)));
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}
