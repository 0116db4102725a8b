import { strictEqual } from "node:assert/strict";
import { formatDuration, parseDuration } from "./duration.ts";

for (
  const [text, expected] of [
    ["500ms", 500],
    ["0s", 0],
    ["60s", 60_000],
    ["15m", 900_000],
    ["2h", 7_200_000],
    ["30d", 2_592_000_000],
    ["", undefined],
    ["15", undefined],
    ["s", undefined],
    ["-1s", undefined],
    ["+1s", undefined],
    ["1.5h", undefined],
    ["1h30m", undefined],
    ["15 m", undefined],
    ["15M", undefined],
    ["1w", undefined],
    ["1s\n", undefined],
    ["1000000000s", undefined],
  ] as const
) {
  Deno.test({
    name: `parseDuration() of ${JSON.stringify(text)} is ${expected}`,
    permissions: "none",
    fn: () => strictEqual(parseDuration(text), expected),
  });
}

for (
  const [durationMs, expected] of [
    [-5, "0ms"],
    [0, "0ms"],
    [850, "850ms"],
    [999.7, "999ms"],
    [1_000, "1s"],
    [1_999, "1s"],
    [60_000, "1m"],
    [750_000, "12m 30s"],
    [3_605_000, "1h"],
    [86_399_999, "23h 59m"],
    [93_780_000, "1d 2h"],
    [273_600_000, "3d 4h"],
    [8_640_000_000, "100d"],
  ] as const
) {
  Deno.test({
    name: `formatDuration() of ${durationMs} ms is ${expected}`,
    permissions: "none",
    fn: () => strictEqual(formatDuration(durationMs), expected),
  });
}
