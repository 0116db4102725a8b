/** How much either side of gRPC lets the other send before it has answered: rounds, on a long way. */

import { create } from "@bufbuild/protobuf";
import { strictEqual } from "node:assert/strict";
import { once } from "node:events";
import {
  connect as connectHttp2,
  createSecureServer,
  type Http2Session,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { connect } from "../../lib/rpc/client.ts";
import { serve } from "../../lib/rpc/server.ts";
import { windowBytes } from "../../lib/rpc/window.ts";
import { ListServicesResponseSchema, McpAgent } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { throwawayCertificates } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";

const certificates = await throwawayCertificates();

/** What the other side of this connection has said that it takes, of a stream and of all together. */
function widened(session: Http2Session): Promise<true> {
  return eventually("the window is wide", () => {
    const isWide = session.remoteSettings.initialWindowSize === windowBytes &&
      (session.state.remoteWindowSize ?? 0) >= windowBytes;
    return Promise.resolve(isWide ? true : undefined);
  });
}

Deno.test("a server lets a client send much at once", async () => {
  const server = await serve({
    service: McpAgent,
    address: "127.0.0.1:0",
    identity: certificates,
    handler: () => Promise.resolve(create(ListServicesResponseSchema)),
  });
  const session = connectHttp2(`https://localhost:${server.port}`, { ca: certificates.ca });
  await once(session, "connect");
  strictEqual(await widened(session), true);
  const closed = once(session, "close");
  session.destroy();
  await closed;
  await server.close(0);
});

Deno.test("a client lets a server send much at once", async () => {
  const server = createSecureServer({ cert: certificates.certificate, key: certificates.key });
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => sessions.push(session));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect({
    service: McpAgent,
    address: `localhost:${port}`,
    ca: certificates.ca,
    token: undefined,
  });
  const over = new AbortController();
  const asking = client.listServices({}, { timeoutMs: 300_000, signal: over.signal }).catch(
    () => {},
  );
  const session = await eventually("the client has connected", () => Promise.resolve(sessions[0]));
  strictEqual(await widened(session), true);
  over.abort();
  await asking;
  client.close();
  session.destroy();
  const closed = once(server, "close");
  server.close();
  await closed;
});
