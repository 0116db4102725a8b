import { strictEqual } from "node:assert/strict";
import { nearest } from "./nearest.ts";

const keys = ["name", "image", "network", "user", "restart", "ports", "volumes", "cmd"];

for (
  const [given, word, expected] of [
    ["two letters swapped", "imgae", "image"],
    ["a letter too many", "portss", "ports"],
    ["a letter missing", "netwrk", "network"],
    ["another letter", "imago", "image"],
    ["the word itself", "cmd", "cmd"],
    ["a plural", "volume", "volumes"],
    ["two letters swapped in a short word", "mcd", "cmd"],
    ["another word", "colour", undefined],
    ["a short word that shares a letter", "cat", undefined],
    ["no word", "", undefined],
  ] as const
) {
  Deno.test({
    name: `nearest() is ${expected} given ${given}`,
    permissions: "none",
    fn: () => strictEqual(nearest(word, keys), expected),
  });
}

Deno.test({
  name: "nearest() takes the first of two that are equally near",
  permissions: "none",
  fn: () => strictEqual(nearest("cot", ["cat", "cut"]), "cat"),
});

Deno.test({
  name: "nearest() is nothing where there are no candidates",
  permissions: "none",
  fn: () => strictEqual(nearest("image", []), undefined),
});
