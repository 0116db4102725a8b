import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  countFindings,
  type Finding,
  findingTexts,
  isLevel,
  type Level,
  needAttention,
  well,
  worstFirst,
} from "./finding.ts";

function found(id: string, level: Level): Finding {
  return { id, level, what: "w", why: level === "ok" ? "" : "y", fix: level === "ok" ? "" : "f" };
}

Deno.test({
  name: "worstFirst() keeps the order of what is equally bad",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      worstFirst([
        found("a", "ok"),
        found("b", "unknown"),
        found("c", "warning"),
        found("d", "error"),
        found("e", "warning"),
      ]).map(({ id }) => id),
      ["d", "c", "e", "b", "a"],
    ),
});

for (
  const [given, findings, attention, counts] of [
    ["nothing", [], false, "nothing was looked at"],
    ["all well", [found("a", "ok"), found("b", "ok")], false, "2 ok"],
    ["something unseen", [found("a", "ok"), found("b", "unknown")], false, "1 unknown, 1 ok"],
    ["a warning", [found("a", "warning"), found("b", "ok")], true, "1 warning, 1 ok"],
    ["errors", [found("a", "error"), found("b", "error")], true, "2 errors"],
  ] as const
) {
  Deno.test({
    name: `needAttention() and countFindings() given ${given}`,
    permissions: "none",
    fn: () => {
      strictEqual(needAttention(findings), attention);
      strictEqual(countFindings(findings), counts);
    },
  });
}

Deno.test({
  name: "findingTexts() aligns, and says of what is well nothing more",
  permissions: "none",
  fn: () =>
    deepStrictEqual(findingTexts([well("linger", "on"), found("disk", "error")]), [
      { level: "error", label: "error  ", head: "disk    w", more: ["y", "Fix: f"] },
      { level: "ok", label: "ok     ", head: "linger  on", more: [] },
    ]),
});

Deno.test({
  name: "isLevel() knows the four",
  permissions: "none",
  fn: () => deepStrictEqual(["error", "fatal", ""].map(isLevel), [true, false, false]),
});
