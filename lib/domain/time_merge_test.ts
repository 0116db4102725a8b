import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type Timed, TimeMerge } from "./time_merge.ts";

const all = { items: 100, weight: 100 };

function merge(change: { readonly holdMs?: number; readonly mostItems?: number } = {}) {
  const { holdMs = 200, mostItems = 100 } = change;
  return new TimeMerge<Timed>({
    holdMs: () => holdMs,
    mostItems,
    mostWeight: 1_000,
    weightOf: () => 1,
  });
}

function told(merge: TimeMerge<Timed>, nowMs: number): string[] {
  return merge.take(nowMs, all).map((each) =>
    "item" in each ? `${each.stream} ${each.item.at}` : `${each.stream} skipped ${each.skipped}`
  );
}

Deno.test({
  name: "TimeMerge puts streams in the order of time",
  permissions: "none",
  fn: () => {
    const both = merge({ holdMs: Infinity });
    both.open("a");
    both.open("b");
    for (const at of [1n, 4n]) both.add("a", { at }, 0);
    deepStrictEqual(told(both, 0), [], "b may yet tell of something earlier");
    strictEqual(both.waitMs(0), Infinity);
    for (const at of [2n, 3n]) both.add("b", { at }, 0);
    deepStrictEqual(told(both, 0), ["a 1", "b 2", "b 3"]);
    both.close("b");
    deepStrictEqual(told(both, 0), ["a 4"]);
    strictEqual(both.waitMs(0), undefined);
  },
});

Deno.test({
  name: "TimeMerge holds nothing back for longer than is said",
  permissions: "none",
  fn: () => {
    const both = merge({ holdMs: 200 });
    both.open("a");
    both.open("silent");
    both.add("a", { at: 5n }, 1_000);
    deepStrictEqual(told(both, 1_199), []);
    strictEqual(both.waitMs(1_150), 50);
    deepStrictEqual(told(both, 1_200), ["a 5"]);
  },
});

Deno.test({
  name: "TimeMerge passes over the oldest of a stream that is full, and says how many",
  permissions: "none",
  fn: () => {
    const one = merge({ mostItems: 2 });
    one.open("a");
    for (const at of [1n, 2n, 3n, 4n, 5n]) one.add("a", { at }, 0);
    strictEqual(one.isFull("a"), true);
    deepStrictEqual(told(one, 0), ["a skipped 3", "a 4", "a 5"]);
    one.add("a", { at: 6n }, 0);
    deepStrictEqual(told(one, 0), ["a 6"]);
  },
});

Deno.test({
  name: "TimeMerge keeps at least one item, however heavy",
  permissions: "none",
  fn: () => {
    const heavy = new TimeMerge<Timed>({
      holdMs: () => 0,
      mostItems: 10,
      mostWeight: 5,
      weightOf: () => 50,
    });
    heavy.open("a");
    heavy.add("a", { at: 1n }, 0);
    heavy.add("a", { at: 2n }, 0);
    deepStrictEqual(told(heavy, 0), ["a skipped 1", "a 2"]);
  },
});

Deno.test({
  name: "TimeMerge waits for no stream that comes through one door with one that is full",
  permissions: "none",
  fn: () => {
    const both = merge({ holdMs: Infinity, mostItems: 2 });
    both.open("a", "one");
    both.open("b", "one");
    both.add("a", { at: 1n }, 0);
    deepStrictEqual(told(both, 0), []);
    both.add("a", { at: 2n }, 0);
    deepStrictEqual(told(both, 0), ["a 1"], "then there is room again");
    both.open("c", "other");
    both.add("a", { at: 3n }, 0);
    deepStrictEqual(told(both, 0), [], "another source can tell more");
  },
});

Deno.test({
  name:
    "TimeMerge holds back for another stream of the source and for other sources, each as is said",
  permissions: "none",
  fn: () => {
    const all = new TimeMerge<Timed>({
      holdMs: (_item, earlierOnes) => earlierOnes === "of its source" ? 200 : 2_000,
      mostItems: 100,
      mostWeight: 1_000,
      weightOf: () => 1,
    });
    all.open("a stdout", "a");
    all.open("a stderr", "a");
    all.open("b", "b");
    all.add("a stdout", { at: 5n }, 0);
    strictEqual(all.waitMs(0), 2_000, "b has told nothing");
    all.close("b");
    strictEqual(all.waitMs(0), 200);
    all.close("a stderr");
    strictEqual(all.waitMs(0), 0);
  },
});

Deno.test({
  name: "TimeMerge says of an item whether something may be told sooner for it",
  permissions: "none",
  fn: () => {
    const both = merge({ mostItems: 3 });
    both.open("a");
    both.open("b");
    deepStrictEqual(
      [1n, 2n, 3n, 4n].map((at) => both.add("a", { at }, 0)),
      [true, false, true, true],
      "the first, none, the one that makes it full, and the one that drops another",
    );
    strictEqual(both.add("b", { at: 9n }, 0), true, "a waited for it");
  },
});
