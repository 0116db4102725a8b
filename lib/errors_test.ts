import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { errorChain, errorKind, McpError } from "./errors.ts";

Deno.test({
  name: "McpError keeps kind, sentence, hint, details and cause apart",
  permissions: "none",
  fn: () => {
    const cause = new Error("refused");
    const error = new McpError("conflict", "Cannot deploy", {
      hint: "Run `mcp start`",
      details: ["one", "two"],
      cause,
    });
    ok(error instanceof Error);
    strictEqual(error.name, "McpError");
    strictEqual(error.message, "Cannot deploy");
    strictEqual(error.cause, cause);
    deepStrictEqual([error.kind, error.hint, error.details], [
      "conflict",
      "Run `mcp start`",
      ["one", "two"],
    ]);
  },
});

Deno.test({
  name: "McpError needs no more than kind and sentence",
  permissions: "none",
  fn: () => {
    const error = new McpError("invalid", "Cannot");
    deepStrictEqual([error.hint, error.details, error.cause], [undefined, [], undefined]);
  },
});

const inner = new Error("connection refused");
const circular = new Error("a snake");
circular.cause = new Error("its tail", { cause: circular });
for (
  const [given, error, expected] of [
    ["one error", inner, "connection refused"],
    [
      "two causes",
      new McpError("unavailable", "Cannot deploy", {
        cause: new Error("Cannot dial", { cause: inner }),
      }),
      "Cannot deploy: Cannot dial: connection refused",
    ],
    ["a cause that is text", new Error("Cannot", { cause: "because" }), "Cannot: because"],
    ["an empty message", new Error("", { cause: inner }), "connection refused"],
    ["a cause of its own", circular, "a snake: its tail"],
    ["text", "thrown text", "thrown text"],
    ["nothing", undefined, ""],
    ["null", null, ""],
  ] as const
) {
  Deno.test({
    name: `errorChain() given ${given}`,
    permissions: "none",
    fn: () => strictEqual(errorChain(error), expected),
  });
}

for (
  const [given, error, expected] of [
    ["an McpError", new McpError("not_found", "x"), "not_found"],
    ["another error", new TypeError("x"), "internal"],
    ["text", "x", "internal"],
    ["nothing", undefined, "internal"],
  ] as const
) {
  Deno.test({
    name: `errorKind() is ${expected} given ${given}`,
    permissions: "none",
    fn: () => strictEqual(errorKind(error), expected),
  });
}
