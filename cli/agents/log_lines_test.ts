import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { deepStrictEqual, throws } from "node:assert/strict";
import { StreamLogsResponseSchema } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { logLinesOf } from "./log_lines.ts";

function read(answer: MessageInitShape<typeof StreamLogsResponseSchema>) {
  return [...logLinesOf(create(StreamLogsResponseSchema, answer))];
}

const line = { component: "web", stderr: false, skipped: 0 };

Deno.test({
  name: "logLinesOf() reads lines and blocks alike",
  permissions: "none",
  fn: () => {
    const seconds = 1_772_366_400n;
    const begin = seconds * 1_000_000_000n;
    deepStrictEqual(
      read({
        lines: [{ component: "web", timestamp: { seconds, nanos: 5 }, text: "one" }],
      }),
      [{ ...line, at: begin + 5n, text: "one" }],
    );
    deepStrictEqual(
      read({
        blocks: [
          { component: "web", text: "one\n\nthree", at: [begin, begin + 1n, begin + 1n] },
          { component: "web", skipped: 7, at: [begin + 2n] },
          { component: "web", stderr: true, text: "", at: [begin + 3n] },
        ],
      }),
      [
        { ...line, at: begin, text: "one" },
        { ...line, at: begin + 1n, text: "" },
        { ...line, at: begin + 1n, text: "three" },
        { ...line, at: begin + 2n, text: "", skipped: 7 },
        { ...line, at: begin + 3n, text: "", stderr: true },
      ],
    );
    deepStrictEqual(read({}), []);
  },
});

Deno.test({
  name: "logLinesOf() refuses a block whose lines and instants do not go together",
  permissions: "none",
  fn: () => {
    for (const at of [[], [1n], [1n, 2n, 3n]]) {
      throws(() => read({ blocks: [{ component: "web", text: "one\ntwo", at }] }), {
        name: "McpError",
        kind: "internal",
      });
    }
  },
});
