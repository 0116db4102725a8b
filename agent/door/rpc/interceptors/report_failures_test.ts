import { create } from "@bufbuild/protobuf";
import { match, rejects, strictEqual } from "node:assert/strict";
import { McpError } from "../../../../lib/errors.ts";
import { startLog } from "../../../../lib/log.ts";
import type { Call } from "../../../../lib/rpc/call.ts";
import { ListServicesRequestSchema, McpAgent } from "../../../../proto/gen/mcp/v1/mcp_pb.ts";
import { reportFailures } from "./report_failures.ts";

const call: Call = {
  method: McpAgent.method.listServices,
  request: create(ListServicesRequestSchema),
  peer: "192.0.2.1:1",
  signal: new AbortController().signal,
  header: () => undefined,
  send: () => Promise.reject(new Error("not asked for")),
};

/** What is logged of a call that fails so; the failure itself is passed on as it is. */
async function loggedOf(failure: Error): Promise<string> {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  await using _log = await startLog({ level: "debug", format: "json", write });
  await rejects(
    reportFailures(() => Promise.reject(failure))(call),
    (error) => error === failure,
  );
  return lines.join("");
}

Deno.test({
  name: "reportFailures() logs a defect with its method, its chain and where it happened",
  permissions: "none",
  fn: async () => {
    const defect = new TypeError("x is not a function", { cause: new Error("nobody set it") });
    const logged = await loggedOf(defect);
    match(logged, /Defect in ListServices: x is not a function: nobody set it/);
    match(logged, /report_failures_test\.ts/);
  },
});

Deno.test({
  name: "reportFailures() does not log a refusal, which is in the audit",
  permissions: "none",
  fn: async () => strictEqual(await loggedOf(new McpError("conflict", "it is moved already")), ""),
});
