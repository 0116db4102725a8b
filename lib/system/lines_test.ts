import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Lines } from "./lines.ts";

const longest = 1024 * 1024;

for (
  const [given, pieces, told, unfinished] of [
    ["whole lines", ["one\ntwo\n"], ["one", "two"], undefined],
    ["a line in three pieces", ["o", "n", "e\n"], ["one"], undefined],
    ["an empty line", ["\n"], [""], undefined],
    ["what has no end", ["one\ntw"], ["one"], "tw"],
    ["a line that is too long", ["x".repeat(longest + 1) + "\nnext\n"], ["next"], undefined],
    [
      "a line that is too long, in pieces",
      ["x".repeat(longest), "xx", "y".repeat(longest), "y\nnext\n"],
      ["next"],
      undefined,
    ],
    ["a line that is too long, and another", ["x".repeat(longest + 1), "\n", "y"], [], "y"],
    [
      "the longest line there may be",
      ["x".repeat(longest), "\n"],
      ["x".repeat(longest)],
      undefined,
    ],
    ["what is too long already", ["x".repeat(longest + 1)], [], undefined],
  ] as const
) {
  Deno.test({
    name: `Lines given ${given}`,
    permissions: "none",
    fn: () => {
      const lines = new Lines();
      const encoder = new TextEncoder();
      deepStrictEqual(pieces.flatMap((piece) => lines.take(encoder.encode(piece))), told);
      strictEqual(lines.unfinished, unfinished);
    },
  });
}

Deno.test({
  name: "Lines keeps a character whole that is parted between two pieces",
  permissions: "none",
  fn: () => {
    const lines = new Lines();
    const bytes = new TextEncoder().encode("день\n");
    deepStrictEqual([...bytes].flatMap((byte) => lines.take(new Uint8Array([byte]))), ["день"]);
  },
});
