import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { pooled } from "./pooled.ts";

/** Jobs that end when told, and how many of them are underway. */
function manualJobs(count: number) {
  const ends = Array.from({ length: count }, () => Promise.withResolvers<number>());
  const begun: number[] = [];
  const jobs = ends.map(({ promise }, at) => () => {
    begun.push(at);
    return promise;
  });
  return { jobs, ends, begun };
}

/** Lets everything that waits for nothing but promises go on. */
async function promisesSettle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

Deno.test({
  name: "pooled() gives results in the order of the jobs, whichever ends first",
  permissions: "none",
  fn: async () => {
    const { jobs, ends } = manualJobs(3);
    const all = pooled(jobs, 3);
    for (const at of [2, 0, 1]) ends[at]?.resolve(at * 10);
    deepStrictEqual(await all, [0, 10, 20]);
  },
});

Deno.test({
  name: "pooled() runs no more jobs at once than its width",
  permissions: "none",
  fn: async () => {
    const { jobs, ends, begun } = manualJobs(5);
    const all = pooled(jobs, 2);
    await promisesSettle();
    deepStrictEqual(begun, [0, 1]);
    ends[1]?.resolve(1);
    await promisesSettle();
    deepStrictEqual(begun, [0, 1, 2]);
    for (const { resolve } of ends) resolve(0);
    await all;
    deepStrictEqual(begun, [0, 1, 2, 3, 4]);
  },
});

Deno.test({
  name: "pooled() waits for all other jobs before it passes an error on",
  permissions: "none",
  fn: async () => {
    const { jobs, ends, begun } = manualJobs(3);
    let isOver = false;
    const all = pooled(jobs, 2).finally(() => isOver = true);
    ends[0]?.reject(new Error("the first"));
    await promisesSettle();
    deepStrictEqual([begun, isOver], [[0, 1, 2], false]);
    ends[2]?.reject(new Error("the second"));
    await promisesSettle();
    strictEqual(isOver, false);
    ends[1]?.resolve(1);
    await rejects(all, /the first/);
  },
});

Deno.test({
  name: "pooled() of no jobs is over at once",
  permissions: "none",
  fn: async () => deepStrictEqual(await pooled([], 4), []),
});
