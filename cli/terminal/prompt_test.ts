import { deepStrictEqual } from "node:assert/strict";
import { type Line, type } from "./prompt.ts";

const cases: readonly (readonly [given: string, keys: string, line: Line])[] = [
  ["letters", "ky", { text: "ky", state: "typing" }],
  ["a pasted line", "secret\nmore", { text: "secret", state: "done" }],
  ["Backspace", "kylé\u007fe\r", { text: "kyle", state: "done" }],
  ["Backspace at the start", "\u007fk", { text: "k", state: "typing" }],
  ["Ctrl-U", "wrong\u0015right\r", { text: "right", state: "done" }],
  ["an arrow key", "ab\u001b[Dc\u001bOA\r", { text: "abc", state: "done" }],
  ["Ctrl-C", "secret\u0003", { text: "", state: "interrupted" }],
  ["Ctrl-D", "\u0004", { text: "", state: "ended" }],
];

for (const [given, keys, line] of cases) {
  Deno.test({
    name: `type() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(type({ text: "", state: "typing" }, keys), line),
  });
}
