import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import { Interrupted } from "../terminal/interrupted.ts";
import { failureJson, failureLines } from "./failure.ts";
import { renderBlocks } from "./screen.ts";

const shown = (error: unknown) => renderBlocks([failureLines(error)], { colors: false });

Deno.test({
  name: "failureLines() tells the chain, every detail and what to do next",
  permissions: "none",
  fn: () =>
    strictEqual(
      shown(
        new McpError("invalid", "Cannot use the definition", {
          cause: new Error("two mistakes"),
          details: ["mcr.toml:1: one", "mcr.toml:2: two"],
          hint: "Edit mcr.toml",
        }),
      ),
      "Error: Cannot use the definition: two mistakes\n" +
        "  mcr.toml:1: one\n  mcr.toml:2: two\nNext: Edit mcr.toml\n",
    ),
});

Deno.test({
  name: "failureLines() spells out what a terminal would obey",
  permissions: "none",
  fn: () =>
    strictEqual(
      shown(new McpError("conflict", "No\u001b]0;owned\u0007 \u202etxt\nway")),
      "Error: No\\x1b]0;owned\\x07 \\u202etxt\\nway\n",
    ),
});

Deno.test({
  name: "failureLines() of a Ctrl-C is no error",
  permissions: "none",
  fn: () => strictEqual(shown(new Interrupted()), "Interrupted\n"),
});

Deno.test({
  name: "failureJson() always has the same keys",
  permissions: "none",
  fn: () =>
    deepStrictEqual(failureJson(new McpError("not_found", "No such node")), {
      kind: "not_found",
      message: "No such node",
      hint: null,
      details: [],
    }),
});
