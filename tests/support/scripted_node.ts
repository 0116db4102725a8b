/**
 * Nodes whose answers a test writes down: a real gRPC server over TLS, one that is dead, one that hangs.
 *
 * @module
 */

import {
  create,
  type DescMethodServerStreaming,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { McpError } from "../../lib/errors.ts";
import type { Call } from "../../lib/rpc/call.ts";
import { serve } from "../../lib/rpc/server.ts";
import { McpAgent } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { type ThrowawayCertificates, throwawayCertificates } from "./certificates.ts";

/** What all scripted nodes identify themselves with. */
export const certificates: ThrowawayCertificates = await throwawayCertificates();

/** Every RPC. */
export type Methods = typeof McpAgent["method"];

/** What a node answers, by RPC; what is not scripted is not known to it. */
export type Script = {
  readonly [Name in keyof Methods]?: Methods[Name] extends DescMethodServerStreaming ? (
      request: MessageShape<Methods[Name]["input"]>,
      call: Call,
      send: (message: MessageInitShape<Methods[Name]["output"]>) => Promise<void>,
    ) => Promise<void>
    : (
      request: MessageShape<Methods[Name]["input"]>,
      call: Call,
    ) =>
      | MessageInitShape<Methods[Name]["output"]>
      | Promise<MessageInitShape<Methods[Name]["output"]>>;
};

/** A node that is up. */
export interface ScriptedNode extends AsyncDisposable {
  readonly name: string;
  readonly address: string;
  /** The only token it accepts. */
  readonly token: string;
  /** "deploy" and so on, one entry per accepted call, in order. */
  readonly calls: string[];
  readonly requests: unknown[];
}

/**
 * Starts a node.
 *
 * @param address "host:port"; of a node that was there before, to bring it back.
 */
export async function startNode(
  name: string,
  script: Script = {},
  address = "127.0.0.1:0",
): Promise<ScriptedNode> {
  const token = `token-of-${name}`;
  const calls: string[] = [];
  const requests: unknown[] = [];
  const server = await serve({
    service: McpAgent,
    address,
    identity: certificates,
    async handler(call) {
      if (call.header("authorization") !== `Bearer ${token}`) {
        throw new McpError("unauthenticated", "The token is not valid");
      }
      calls.push(call.method.localName);
      requests.push(call.request);
      const answer = script[call.method.localName as keyof Methods] as
        | ((request: unknown, call: Call, send: unknown) => unknown)
        | undefined;
      if (answer === undefined) throw new McpError("unimplemented", "That is not scripted");
      const { output, methodKind } = call.method;
      const send = (message: never) => call.send(create(output, message));
      const answered = await answer(call.request, call, send);
      return methodKind === "unary" ? create(output, answered as never) : undefined;
    },
  });
  return {
    name,
    address: `127.0.0.1:${server.port}`,
    token,
    calls,
    requests,
    [Symbol.asyncDispose]: () => server.close(0),
  };
}

/** A node whose port nobody listens on. */
export function deadNode(name: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return { name, address: `127.0.0.1:${port}`, token: "t" };
}

/** A node that takes connections and says nothing. */
export function hangingNode(name: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) connections.push(connection);
  })();
  return {
    name,
    address: `127.0.0.1:${listener.addr.port}`,
    token: "t",
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of connections) connection.close();
    },
  };
}
