import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { LogPosition } from "./log_position.ts";

Deno.test({
  name: "LogPosition knows what of the last instant was told already, of each stream",
  permissions: "none",
  fn: () => {
    const position = new LogPosition();
    strictEqual(position.since, undefined);
    const told = (lines: readonly (readonly [string, bigint])[]) =>
      lines.map(([stream, at]) => position.take(stream, at));
    told([["out", 1n], ["out", 2n], ["err", 2n], ["out", 2n]]);
    strictEqual(position.since, 2n);
    position.resume();
    deepStrictEqual(
      told([["out", 2n], ["err", 2n], ["out", 2n], ["out", 2n], ["out", 3n], ["out", 3n]]),
      [false, false, false, true, true, true],
    );
    position.resume();
    deepStrictEqual(told([["out", 4n], ["out", 4n]]), [true, true]);
  },
});
