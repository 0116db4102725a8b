/**
 * Clients that hang up politely, by the thousand: HTTP/2 of Deno 2.9.6 may die of their GOAWAY
 * (denoland/deno#36788), so the agent must not let it see one.
 */

import { strictEqual } from "node:assert/strict";
import { connect } from "node:http2";
import { ProcessNode } from "../support/agent_process.ts";

const connections = 1_500;
const path = "/mcp.v1.McpAgent/ListServices";

/** One call and a goodbye, by HTTP/2 as every client speaks it. */
function callOnce(node: ProcessNode): Promise<number> {
  return new Promise((resolve, reject) => {
    const session = connect(`https://localhost:${node.address.split(":")[1]}`, { ca: node.ca });
    session.on("error", reject);
    let status = 0;
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("response", (headers) => status = Number(headers[":status"]));
    stream.on("error", reject);
    stream.on("close", () => session.close(() => resolve(status)));
    stream.resume();
    // An empty message: five bytes say that it is not compressed, and how long it is.
    stream.end(new Uint8Array(5));
  });
}

Deno.test(`an agent outlives ${connections} clients that say goodbye`, async () => {
  await using node = await ProcessNode.make({ usesPodman: true });
  const agent = await node.start().serving();
  for (let call = 0; call < connections; call++) strictEqual(await callOnce(node), 200);
  agent.signal("SIGTERM");
  strictEqual(await agent.ended(), 0);
});
