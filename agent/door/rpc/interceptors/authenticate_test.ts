import { create } from "@bufbuild/protobuf";
import { deepStrictEqual, rejects } from "node:assert/strict";
import type { Call } from "../../../../lib/rpc/call.ts";
import {
  ListServicesRequestSchema,
  ListServicesResponseSchema,
  McpAgent,
} from "../../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { Caller } from "../../auth/caller.ts";
import { authenticate } from "./authenticate.ts";

const ada: Caller = { subject: "ada", roles: ["admin"], expiresAt: undefined };

/** Authenticates a call with this header; which tokens were asked about, and who was let in. */
async function callWith(header: string | undefined) {
  const asked: string[] = [];
  const seen: (Caller | string)[] = [];
  const call: Call = {
    method: McpAgent.method.listServices,
    request: create(ListServicesRequestSchema),
    peer: "192.0.2.1:1",
    signal: new AbortController().signal,
    header: (name) => name === "authorization" ? header : undefined,
    send: () => Promise.reject(new Error("not asked for")),
  };
  const handler = authenticate({
    verify: (token) => {
      asked.push(token);
      return Promise.resolve(ada);
    },
  }, ({ caller }) => {
    seen.push(caller);
    return Promise.resolve(create(ListServicesResponseSchema));
  });
  await handler({ ...call, identify: (caller) => void seen.push(`identified ${caller.subject}`) });
  return { asked, seen };
}

for (
  const [given, header] of [
    ["a token", "Bearer mcp_token"],
    ["a scheme in small letters", "bearer mcp_token"],
    ["a scheme in capitals", "BEARER mcp_token"],
  ] as const
) {
  Deno.test({
    name: `authenticate() hands the caller on given ${given}`,
    permissions: "none",
    fn: async () =>
      deepStrictEqual(await callWith(header), {
        asked: ["mcp_token"],
        seen: ["identified ada", ada],
      }),
  });
}

for (
  const [given, header] of [
    ["no header", undefined],
    ["an empty header", ""],
    ["another scheme", "Basic YWRhOmFkYQ=="],
    ["the scheme alone", "Bearer"],
    ["the scheme and nothing", "Bearer "],
    ["a token without a scheme", "mcp_token"],
    ["two tokens", "Bearer one two"],
    ["a token with a tab", "Bearer one\ttwo"],
    ["something before the scheme", " Bearer mcp_token"],
    ["a token beyond ASCII", "Bearer tökén"],
    ["a token that is too long", `Bearer ${"t".repeat(16 * 1024 + 1)}`],
  ] as const
) {
  Deno.test({
    name: `authenticate() refuses ${given} without asking the provider`,
    permissions: "none",
    fn: () => rejects(callWith(header), { kind: "unauthenticated", hint: "Run `mcp login`" }),
  });
}
