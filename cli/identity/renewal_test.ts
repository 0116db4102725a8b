import { strictEqual } from "node:assert/strict";
import { isDue, isOver } from "./renewal.ts";

const issuedAt = new Date("2026-03-01T12:00:00Z");
const at = (seconds: number) => new Date(issuedAt.getTime() + seconds * 1_000);

for (
  const [given, lifeSeconds, lastQuietSecond] of [
    ["a token of a day: the last fifth", 86_400, 69_119],
    ["a token of ten minutes: the last five", 600, 299],
    ["a token of five minutes: the last half", 300, 149],
    ["a token of a minute: the last half", 60, 29],
  ] as const
) {
  Deno.test({
    name: `isDue() given ${given}`,
    permissions: "none",
    fn: () => {
      const stored = { token: "t", issuedAt, expiresAt: at(lifeSeconds) };
      strictEqual(isDue(stored, issuedAt), false);
      strictEqual(isDue(stored, at(lastQuietSecond)), false);
      strictEqual(isDue(stored, at(lastQuietSecond + 1)), true);
      strictEqual(isDue(stored, at(lifeSeconds + 1)), true);
    },
  });
}

Deno.test({
  name: "isDue() and isOver() are never true of a token of which nothing is known",
  permissions: "none",
  fn: () => {
    strictEqual(isDue({ token: "t", expiresAt: at(1) }, at(2)), false);
    strictEqual(isDue({ token: "t", issuedAt }, at(2)), false);
    strictEqual(isOver({ token: "t" }, at(1e6)), false);
    strictEqual(isOver({ token: "t", expiresAt: at(1) }, at(1)), true);
  },
});
