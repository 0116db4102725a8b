import { deepStrictEqual } from "node:assert/strict";
import { clockFinding } from "./clock_difference.ts";

const at = (ms: number) => new Date(1_900_000_000_000 + ms);

for (
  const [given, [sent, asked, answered, received], level, what] of [
    ["equal clocks", [0, 10, 500, 510], "ok", "that of this workstation (± 10ms)"],
    // 6 s ahead at most, but 2 s of that may be the way: nobody can say that it is too much.
    ["a slow way", [0, 6_000, 6_000, 4_000], "ok", "that of this workstation (± 2s)"],
    [
      "six seconds ahead",
      [0, 6_010, 6_500, 510],
      "warning",
      "6s ahead of this workstation's (± 10ms)",
    ],
    [
      "a minute behind",
      [0, -60_000, -59_000, 1_000],
      "error",
      "1m behind this workstation's (± 0ms)",
    ],
    [
      "31 s ahead, ± 2 s",
      [0, 33_000, 33_000, 4_000],
      "warning",
      "31s ahead of this workstation's (± 2s)",
    ],
    ["a clock that was set meanwhile", [0, 5, 900, 10], "ok", "that of this workstation (± 0ms)"],
  ] as const
) {
  Deno.test({
    name: `clockFinding() given ${given}`,
    permissions: "none",
    fn: () => {
      const finding = clockFinding({
        sentAt: at(sent),
        askedAt: at(asked),
        answeredAt: at(answered),
        receivedAt: at(received),
      });
      deepStrictEqual([finding.level, finding.what], [level, what]);
    },
  });
}
