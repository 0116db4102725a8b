import { strictEqual } from "node:assert/strict";
import { memoryOf } from "./memory.ts";

const cases: readonly [text: string, memory: string | undefined][] = [
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

for (const [text, memory] of cases) {
  Deno.test({
    name: `memoryOf() of ${JSON.stringify(text)}`,
    permissions: "none",
    fn: () => strictEqual(memoryOf(text), memory),
  });
}
