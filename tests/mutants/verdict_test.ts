import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { judge, type TestRun, whyVoid } from "./verdict.ts";

const passed = `<testsuite name="./a_test.ts">
  <testcase name="a fact" classname="./a_test.ts">
  </testcase>
</testsuite>`;
const failed = `<testsuite name="./a_test.ts">
  <testcase name="a fact" classname="./a_test.ts">
  </testcase>
  <testcase name="nobody gets &lt;in&gt;" classname="./a_test.ts" time="0.1">
    <failure message="1 test step failed">1 test step failed.</failure>
  </testcase>
  <testcase name="nobody gets &lt;in&gt; &gt; without a token" classname="./a_test.ts">
    <failure message="Error">Error</failure>
  </testcase>
</testsuite>`;
const run: TestRun = { exitCode: 0, report: passed, isLate: false, elapsedMs: 1 };

Deno.test("a mutant is seen by the test that fails, told by its step", () => {
  deepStrictEqual(judge({ ...run, exitCode: 1, report: failed }), {
    kind: "seen",
    by: "nobody gets <in> > without a token",
  });
});

Deno.test("a mutant whose tests do not end is seen, and one whose tests pass lives", () => {
  strictEqual(judge({ ...run, exitCode: 137, report: "", isLate: true }).kind, "seen");
  deepStrictEqual(judge(run), { kind: "lives" });
});

Deno.test("a mutant with which no test ran says nothing", () => {
  strictEqual(judge({ ...run, exitCode: 1, report: "" }).kind, "void");
  strictEqual(judge({ ...run, exitCode: 1, report: passed }).kind, "void");
});

Deno.test("tests that fail, hang or are not there without a mutant say nothing of it", () => {
  strictEqual(whyVoid(run), undefined);
  strictEqual(
    whyVoid({ ...run, exitCode: 1, report: failed }),
    "its tests fail without it as well: nobody gets <in>",
  );
  strictEqual(whyVoid({ ...run, report: "" }), "there is no such test");
  strictEqual(whyVoid({ ...run, isLate: true }), "its tests do not end without it either");
  strictEqual(whyVoid({ ...run, exitCode: 1 }), "without it, deno test ends with exit code 1");
});
