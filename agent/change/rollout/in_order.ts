/**
 * Runs jobs side by side that may have to wait for each other, a few at a time.
 *
 * @module
 */

/** Something to do, perhaps after other things. */
export interface Job<T> {
  readonly name: string;
  /** Names of jobs to wait for; one that is not among the jobs is not waited for. */
  readonly after: readonly string[];
  /** Given what came of those that it waited for. */
  readonly run: (ended: ReadonlyMap<string, T>) => Promise<T>;
}

/**
 * Runs all jobs, at most `width` at once; results in the order of the jobs.
 *
 * One that waits takes no place. When a job throws, those that wait for it are not run, and the
 * others are awaited before the first error is passed on: nothing goes on in the background after
 * this has returned. Jobs must not wait for each other in a circle.
 */
export async function inOrder<T>(jobs: readonly Job<T>[], width: number): Promise<T[]> {
  const ends = new Map<string, PromiseWithResolvers<T>>();
  for (const { name } of jobs) {
    const end = Promise.withResolvers<T>();
    // Told to who waits for it, and at the end; nobody needs to have waited.
    end.promise.catch(() => {});
    ends.set(name, end);
  }
  let free = width;
  const queue: (() => void)[] = [];
  const enter = async () => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => queue.push(resolve));
  };
  const leave = () => {
    const next = queue.shift();
    if (next === undefined) free++;
    else next();
  };
  const results = await Promise.allSettled(jobs.map(async ({ name, after, run }) => {
    try {
      const ended = new Map<string, T>();
      for (const other of after) {
        const end = ends.get(other);
        if (end !== undefined) ended.set(other, await end.promise);
      }
      await enter();
      try {
        const result = await run(ended);
        ends.get(name)?.resolve(result);
        return result;
      } finally {
        leave();
      }
    } catch (error) {
      ends.get(name)?.reject(error);
      throw error;
    }
  }));
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}
