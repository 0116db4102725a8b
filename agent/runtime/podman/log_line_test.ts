import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { formatLogTime, parseLogLine } from "./log_line.ts";

const at = 1_772_366_400_000_000_007n;

for (
  const [given, line, text] of [
    ["a line", "2026-03-01T12:00:00.000000007Z ready", "ready"],
    ["an empty one", "2026-03-01T12:00:00.000000007Z ", ""],
    ["one of another zone", "2026-03-01T13:00:00.000000007+01:00 ready", "ready"],
    [
      "one that came in pieces",
      "2026-03-01T12:00:00.000000007Z begins 2026-03-01T12:00:01.000000001Z and 2026-03-01T12:00:01.000000001Z ends",
      "begins and ends",
    ],
    [
      "one that begins with a time of its own",
      "2026-03-01T12:00:00.000000007Z 2026-03-01T12:00:00.000000009Z ready",
      "2026-03-01T12:00:00.000000009Z ready",
    ],
    [
      "one that holds an earlier time",
      "2026-03-01T12:00:00.000000007Z at 2026-03-01T11:59:59.999999999Z it was",
      "at 2026-03-01T11:59:59.999999999Z it was",
    ],
    ["one with a carriage return", "2026-03-01T12:00:00.000000007Z ready\r", "ready"],
  ] as const
) {
  Deno.test({
    name: `parseLogLine() reads ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(parseLogLine(line), { at, text }),
  });
}

Deno.test({
  name: "parseLogLine() reads whole seconds, and takes no time out of what was printed then",
  permissions: "none",
  fn: () =>
    deepStrictEqual(parseLogLine("2026-03-01T12:00:00Z at 2026-03-01T12:00:00Z it was"), {
      at: 1_772_366_400_000_000_000n,
      text: "at 2026-03-01T12:00:00Z it was",
    }),
});

Deno.test({
  name: "parseLogLine() gives nothing of a line that is podman's own",
  permissions: "none",
  fn: () => {
    for (
      const line of [
        "Error: no such container",
        "",
        "2026-03-01 12:00:00 ready",
        "2026-99-99T12:00:00Z x",
      ]
    ) {
      strictEqual(parseLogLine(line), undefined, line);
    }
  },
});

Deno.test({
  name: "formatLogTime() is to the nanosecond",
  permissions: "none",
  fn: () => strictEqual(formatLogTime(at), "2026-03-01T12:00:00.000000007Z"),
});
