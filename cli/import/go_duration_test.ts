import { strictEqual } from "node:assert/strict";
import { goDurationMs } from "./go_duration.ts";

const cases: readonly [text: string, ms: number | undefined][] = [
  ["30s", 30_000],
  ["1m30s", 90_000],
  ["2h45m", 9_900_000],
  ["1.5s", 1_500],
  ["500ms", 500],
  ["1h0m0s", 3_600_000],
  ["250us", 0],
  ["90", 90_000],
  ["0", 0],
  ["", undefined],
  ["soon", undefined],
  ["1m 30s", undefined],
  ["-1s", undefined],
];

for (const [text, ms] of cases) {
  Deno.test({
    name: `goDurationMs() of ${JSON.stringify(text)}`,
    permissions: "none",
    fn: () => strictEqual(goDurationMs(text), ms),
  });
}
