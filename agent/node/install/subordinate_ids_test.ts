import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { freeRange, hasRange } from "./subordinate_ids.ts";

const rangeCases: readonly (readonly [string, string, string, readonly [number, number]])[] = [
  ["files that are empty", "", "", [100_000, 165_535]],
  ["one user's range at the bottom", "kyle:100000:65536\n", "", [165_536, 231_071]],
  ["another one in the other file", "", "kyle:100000:65536\n", [165_536, 231_071]],
  [
    "ranges out of order, side by side",
    "b:165536:65536\na:100000:65536\n",
    "",
    [231_072, 296_607],
  ],
  ["a gap that is large enough", "a:100000:65536\nb:300000:65536\n", "", [165_536, 231_071]],
  ["a gap that is too small", "a:100000:65536\nb:200000:65536\n", "", [265_536, 331_071]],
  ["a range that holds another one", "a:100000:500000\nb:200000:1000\n", "", [600_000, 665_535]],
  ["one below where ranges begin", "a:1000:65536\n", "", [100_000, 165_535]],
  ["lines that are no ranges", "# comment\nkyle\nkyle:x:y\n\n", "", [100_000, 165_535]],
];
for (const [given, subuid, subgid, [first, last]] of rangeCases) {
  Deno.test({
    name: `freeRange() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(freeRange(subuid, subgid), { first, last }),
  });
}

Deno.test({
  name: "freeRange() has none when all are taken",
  permissions: "none",
  fn: () => strictEqual(freeRange("a:100000:600000000\n", ""), undefined),
});

for (
  const [given, text, expected] of [
    ["its name", "kyle:1:2\nmcp:100000:65536\n", true],
    ["its number", "990:100000:65536\n", true],
    ["a name that begins like it", "mcpx:100000:65536\n", false],
    ["nobody", "", false],
  ] as const
) {
  Deno.test({
    name: `hasRange() given ${given}`,
    permissions: "none",
    fn: () => strictEqual(hasRange(text, { name: "mcp", uid: 990 }), expected),
  });
}
