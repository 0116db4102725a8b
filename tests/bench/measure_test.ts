import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  always,
  atLeastTimes,
  atMost,
  atMostTimes,
  type Row,
  skippedRow,
  type Target,
} from "./measure.ts";

const ours: Row = { label: "ours", unit: "ms", samples: [110, 120, 130, 900] };
const theirs: Row = { label: "theirs", unit: "ms", samples: [100, 100, 100] };
const absent = skippedRow("absent", "ms", "no dockerd");

const cases: readonly (readonly [string, Target, "met" | "missed" | "not measured", string])[] = [
  ["a ratio that is reached exactly", atMostTimes(1.25, "ours", "theirs"), "met", "1.25 ×"],
  ["a ratio that is not reached", atMostTimes(1.2, "ours", "theirs"), "missed", "1.25 ×"],
  ["something slow enough", atLeastTimes(1.25, "ours", "theirs"), "met", "1.25 ×"],
  ["something too fast", atLeastTimes(3, "ours", "theirs"), "missed", "1.25 ×"],
  ["a limit", atMost(125, "ours"), "met", "125 ms"],
  ["a limit for the slowest", atMost(125, "ours", { figure: "max" }), "missed", "900 ms"],
  ["a limit above another", atMost(20, "ours", { above: "theirs" }), "missed", "+ 25.0 ms"],
  ["a count that always is the same", always(100, "theirs"), "met", "100"],
  ["a count that differs", always(110, "ours"), "missed", "110, 120, 130, 900"],
  ["nothing to stand beside", atMostTimes(1.2, "ours", "absent"), "not measured", "no dockerd"],
  ["an unknown row", atMost(1, "other"), "not measured", 'there is no "other"'],
];

for (const [given, target, outcome, found] of cases) {
  Deno.test({
    name: `a target given ${given} is ${outcome}`,
    permissions: "none",
    fn: () => deepStrictEqual(target.judge([ours, theirs, absent]), { outcome, found }),
  });
}

Deno.test({
  name: "a target says which figure of which row it is about",
  permissions: "none",
  fn: () => {
    strictEqual(atMost(300, "ours", { figure: "p95" }).says, "p95 of ours ≤ 300");
    strictEqual(atMost(120, "ours", { above: "theirs" }).says, "ours ≤ theirs + 120");
    strictEqual(atLeastTimes(5, "theirs", "ours").says, "ours ≥ 5 × faster than theirs");
  },
});
