import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  addCounts,
  countTests,
  formatCounts,
  noTests,
  slowest,
  testTimes,
} from "./junit_counts.ts";

// As Deno 2.9.6 writes it, with names chosen to look like elements.
const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="0.065">
    <testsuite name="./a_test.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="a &lt;testcase" classname="./a_test.ts" time="0.003" line="2" col="6">
        </testcase>
        <testcase name="b &lt;skipped/&gt;" classname="./a_test.ts" time="0.000" line="3" col="6">
            <skipped/>
        </testcase>
        <testcase name="c" classname="./a_test.ts" time="0.002" line="4" col="6">
            <failure message="Uncaught AssertionError: &lt;failure">AssertionError</failure>
        </testcase>
        <testcase name="a &lt;testcase &gt; step" classname="./a_test.ts" time="0.000" line="2" col="40">
        </testcase>
    </testsuite>
</testsuites>
`;

Deno.test({
  name: "countTests() tells passed, failed and skipped tests apart",
  permissions: "none",
  fn: () => deepStrictEqual(countTests(report), { passed: 2, failed: 1, skipped: 1 }),
});

Deno.test({
  name: "countTests() finds no tests given an empty report",
  permissions: "none",
  fn: () => deepStrictEqual(countTests(""), noTests),
});

Deno.test({
  name: "formatCounts() mentions skipped tests only when there are some",
  permissions: "none",
  fn: () => {
    strictEqual(formatCounts({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
    strictEqual(
      formatCounts(addCounts(countTests(report), countTests(report))),
      "4 passed, 2 failed, 2 skipped",
    );
  },
});

Deno.test({
  name: "testTimes() tells of tests, not of their steps, as they are called",
  permissions: "none",
  fn: () => {
    const file = "./a_test.ts";
    deepStrictEqual(testTimes(report), [
      { seconds: 0.003, file, name: "a <testcase" },
      { seconds: 0, file, name: "b <skipped/>" },
      { seconds: 0.002, file, name: "c" },
    ]);
  },
});

Deno.test({
  name: "slowest() tells the longest first, and no more than were asked for",
  permissions: "none",
  fn: () =>
    deepStrictEqual(slowest(testTimes(report), 2).map(({ name }) => name), ["a <testcase", "c"]),
});
