import { strictEqual } from "node:assert/strict";
import { goDurationMs, memoryOf } from "./values.ts";

const amounts: readonly [text: string, memory: string | undefined][] = [
  ["512m", "512m"],
  ["512M", "512m"],
  ["512MB", "512m"],
  ["1GiB", "1g"],
  ["0.5g", "512m"],
  ["1536 kb", "1536k"],
  ["1t", "1024g"],
  ["1048576", "1m"],
  ["100b", "100"],
  ["0", undefined],
  ["-1", undefined],
  ["lots", undefined],
];
for (const [text, memory] of amounts) {
  Deno.test({
    name: `memoryOf() of ${JSON.stringify(text)}`,
    permissions: "none",
    fn: () => strictEqual(memoryOf(text), memory),
  });
}

const durations: readonly [text: string, ms: number | undefined][] = [
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
for (const [text, ms] of durations) {
  Deno.test({
    name: `goDurationMs() of ${JSON.stringify(text)}`,
    permissions: "none",
    fn: () => strictEqual(goDurationMs(text), ms),
  });
}
