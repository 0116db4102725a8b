import { strictEqual } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import { Interrupted } from "../terminal/interrupted.ts";
import { exitCodeOf, exitCodeOfNodes } from "./exit_code.ts";

for (
  const [given, error, code] of [
    ["a defect", new TypeError("x is undefined"), 1],
    ["invalid input", new McpError("invalid", ""), 2],
    ["an agent that is too old", new McpError("unimplemented", ""), 2],
    ["no token", new McpError("unauthenticated", ""), 3],
    ["a token without the role", new McpError("forbidden", ""), 3],
    ["an unknown name", new McpError("not_found", ""), 4],
    ["a conflict", new McpError("conflict", ""), 5],
    ["a silent node", new McpError("unavailable", ""), 6],
    ["a Ctrl-C", new Interrupted(), 130],
  ] as const
) {
  Deno.test({
    name: `exitCodeOf() ${given} is ${code}`,
    permissions: "none",
    fn: () => strictEqual(exitCodeOf(error), code),
  });
}

const silent = new McpError("unavailable", "");
const refused = new McpError("unauthenticated", "");
for (
  const [given, failures, answered, code] of [
    ["all answers", [], 2, 0],
    ["one silent node of two", [silent], 1, 7],
    ["only silence", [silent, silent], 0, 6],
    ["only refusals", [refused, refused], 0, 3],
    ["silence and refusal", [silent, refused], 0, 6],
  ] as const
) {
  Deno.test({
    name: `exitCodeOfNodes() given ${given} is ${code}`,
    permissions: "none",
    fn: () => strictEqual(exitCodeOfNodes(failures, answered), code),
  });
}
