import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { inOrder, type Job } from "./in_order.ts";

/** Jobs by name and what they wait for, that tell when they begin and end. */
function jobsThatTell(
  after: Readonly<Record<string, readonly string[]>>,
  told: string[],
): Job<string>[] {
  return Object.entries(after).map(([name, others]) => ({
    name,
    after: others,
    run: async (ended) => {
      told.push(`${name} begins`);
      await Promise.resolve();
      told.push(`${name} ends`);
      return `${name} after ${[...ended.values()].join(", ") || "nobody"}`;
    },
  }));
}

Deno.test({
  name: "inOrder() gives results in the order of the jobs, whoever waits for whom",
  permissions: "none",
  fn: async () => {
    const told: string[] = [];
    const jobs = jobsThatTell({ web: ["api"], api: ["db", "elsewhere"], db: [] }, told);
    deepStrictEqual(await inOrder(jobs, 8), [
      "web after api after db after nobody",
      "api after db after nobody",
      "db after nobody",
    ]);
    deepStrictEqual(told, [
      "db begins",
      "db ends",
      "api begins",
      "api ends",
      "web begins",
      "web ends",
    ]);
  },
});

Deno.test({
  name: "inOrder() runs side by side what does not wait, as many as it may",
  permissions: "none",
  fn: async () => {
    let running = 0;
    let most = 0;
    const jobs = Array.from({ length: 6 }, (_, at): Job<void> => ({
      name: `job-${at}`,
      after: [],
      run: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running--;
      },
    }));
    await inOrder(jobs, 2);
    strictEqual(most, 2);
  },
});

Deno.test({
  name: "inOrder() of jobs that wait takes no place from those that could run",
  permissions: "none",
  fn: async () => {
    const told: string[] = [];
    await inOrder(jobsThatTell({ last: ["first"], first: [] }, told), 1);
    strictEqual(told.at(-1), "last ends");
  },
});

Deno.test({
  name: "inOrder() does not run what waits for one that throws, and ends all others first",
  permissions: "none",
  fn: async () => {
    const told: string[] = [];
    const jobs = jobsThatTell({ web: ["db"], other: [] }, told);
    const db: Job<string> = {
      name: "db",
      after: [],
      run: () => Promise.reject(new Error("the defect")),
    };
    await rejects(inOrder([...jobs, db], 8), { message: "the defect" });
    deepStrictEqual(told, ["other begins", "other ends"]);
  },
});
