import { deepStrictEqual, doesNotMatch, ok, strictEqual } from "node:assert/strict";
import { type ErrorKind, McpError } from "../errors.ts";
import { fromStatus, type Status, status, statusName, toStatus } from "./status.ts";

const pairs: readonly (readonly [ErrorKind, keyof typeof status])[] = [
  ["invalid", "INVALID_ARGUMENT"],
  ["not_found", "NOT_FOUND"],
  ["conflict", "FAILED_PRECONDITION"],
  ["unauthenticated", "UNAUTHENTICATED"],
  ["forbidden", "PERMISSION_DENIED"],
  ["unavailable", "UNAVAILABLE"],
  ["unimplemented", "UNIMPLEMENTED"],
  ["internal", "INTERNAL"],
];

/** A status as a client gets it. */
function received(code: number, details = "", metadata: Status["metadata"] = []): Status {
  return { code, details, metadata };
}

for (const [kind, name] of pairs) {
  Deno.test({
    name: `toStatus() sends ${kind} as ${name}, and fromStatus() reads it so`,
    permissions: "none",
    fn: () => {
      const error = new McpError(kind, "Cannot");
      strictEqual(toStatus(error).code, status[name]);
      strictEqual(statusName(error), name);
      strictEqual(fromStatus(received(status[name])).kind, kind);
    },
  });
}

for (
  const [name, kind] of [
    ["DEADLINE_EXCEEDED", "unavailable"],
    ["CANCELLED", "unavailable"],
    ["RESOURCE_EXHAUSTED", "invalid"],
    ["ALREADY_EXISTS", "conflict"],
    ["ABORTED", "conflict"],
    ["OUT_OF_RANGE", "invalid"],
    ["UNKNOWN", "internal"],
    ["DATA_LOSS", "internal"],
  ] as const
) {
  Deno.test({
    name: `fromStatus() reads ${name}, which only others send, as ${kind}`,
    permissions: "none",
    fn: () => strictEqual(fromStatus(received(status[name])).kind, kind),
  });
}

Deno.test({
  name: "toStatus() sends the chain of causes, and fromStatus() reads hint and details back",
  permissions: "none",
  fn: () => {
    const sent = toStatus(
      new McpError("conflict", "Cannot deploy", {
        hint: "Führe `mcp start` aus",
        details: ["one", "two\nlines"],
        cause: new Error("it is stopped"),
      }),
    );
    const error = fromStatus(received(sent.code, sent.details, sent.metadata));
    deepStrictEqual(
      [error.kind, error.message, error.hint, error.details],
      [
        "conflict",
        "Cannot deploy: it is stopped",
        "Führe `mcp start` aus",
        ["one", "two\nlines"],
      ],
    );
  },
});

Deno.test({
  name: "toStatus() sends a defect without its text",
  permissions: "none",
  fn: () => {
    for (const defect of [new TypeError("x is not a function"), "x is not", undefined]) {
      const { code, details } = toStatus(defect);
      strictEqual(code, status.INTERNAL);
      doesNotMatch(details, /x is not/);
    }
  },
});

Deno.test({
  name: "fromStatus() reads a status that has neither hint nor details",
  permissions: "none",
  fn: () => {
    const error = fromStatus(received(status.NOT_FOUND, "no such service"));
    deepStrictEqual([error.message, error.hint, error.details], ["no such service", undefined, []]);
  },
});

Deno.test({
  name: "toStatus() never sends more than the 8 KiB that clients of other makes take",
  permissions: "none",
  fn: () => {
    for (const character of ["x", "ü", "\u{1f511}", "%", "\ud800"]) {
      const { details, metadata } = toStatus(
        new McpError("conflict", character.repeat(9_000), {
          hint: character.repeat(9_000),
          details: Array.from({ length: 500 }, () => character.repeat(200)),
        }),
      );
      const bytes = metadata.reduce(
        // In base64, and counted as RFC 9113 does.
        (sum, [name, value]) => sum + name.length + Math.ceil(value.byteLength / 3) * 4 + 32,
        0,
      );
      ok(encodeURI(details).length + bytes < 8_000, `${bytes} bytes`);
    }
  },
});
