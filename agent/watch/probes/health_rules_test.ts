import { strictEqual } from "node:assert/strict";
import { afterAnswer, type HealthState, justStarted } from "./health_rules.ts";

const check = { retries: 3, startPeriodMs: 30_000 };

/** Answers as "+" and "-", each at a second of the container's life → what is known after them. */
const stories: readonly (readonly [string, readonly (readonly [number, "+" | "-"])[], string])[] = [
  ["one good answer", [[1, "+"]], "healthy"],
  ["bad answers within the start period", [[1, "-"], [10, "-"], [29, "-"]], "starting"],
  ["too few bad answers after it", [[31, "-"], [32, "-"]], "starting"],
  ["bad answers after it", [[31, "-"], [32, "-"], [33, "-"]], "unhealthy"],
  ["bad answers that are not in a row", [[31, "-"], [32, "-"], [33, "+"], [34, "-"]], "healthy"],
  ["a healthy one that has had its time", [[1, "+"], [31, "-"], [32, "-"]], "healthy"],
  ["a healthy one that fails", [[1, "+"], [31, "-"], [32, "-"], [33, "-"]], "unhealthy"],
  [
    "an unhealthy one that is well again",
    [[31, "-"], [32, "-"], [33, "-"], [34, "-"], [35, "+"]],
    "healthy",
  ],
];
for (const [given, answers, expected] of stories) {
  Deno.test({
    name: `afterAnswer() leads to ${expected} given ${given}`,
    permissions: "none",
    fn: () => {
      const end = answers.reduce<HealthState>(
        (state, [second, answer]) => afterAnswer(state, answer === "+", second * 1_000, check),
        justStarted,
      );
      strictEqual(end.health, expected);
    },
  });
}
