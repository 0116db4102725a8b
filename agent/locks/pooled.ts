/**
 * Runs jobs side by side, a few at a time.
 *
 * @module
 */

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
  const results = new Array<PromiseSettledResult<T>>(jobs.length);
  const queue = jobs.entries();
  const worker = async () => {
    for (const [at, job] of queue) {
      const [result] = await Promise.allSettled([job()]);
      results[at] = result;
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, jobs.length) }, worker));
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}
