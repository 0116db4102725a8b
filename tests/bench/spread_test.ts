import { deepStrictEqual, ok } from "node:assert/strict";
import { spreadOf } from "./spread.ts";

Deno.test({
  name: "spreadOf() takes the middle of samples in any order",
  permissions: "none",
  fn: () => {
    deepStrictEqual(spreadOf([9, 1, 5, 3, 7]), {
      count: 5,
      median: 5,
      low: 3,
      high: 7,
      p95: 8.6,
      min: 1,
      max: 9,
    });
  },
});

Deno.test({
  name: "spreadOf() finds the middle between two samples",
  permissions: "none",
  fn: () => deepStrictEqual(spreadOf([4, 2]).median, 3),
});

Deno.test({
  name: "spreadOf() of one sample is that sample, whatever is asked",
  permissions: "none",
  fn: () => {
    const { count: _, ...figures } = spreadOf([2.5]);
    deepStrictEqual(new Set(Object.values(figures)), new Set([2.5]));
  },
});

Deno.test({
  name: "spreadOf() does not make up figures of nothing",
  permissions: "none",
  fn: () => {
    const { count, ...figures } = spreadOf([]);
    deepStrictEqual(count, 0);
    ok(Object.values(figures).every(Number.isNaN));
  },
});
