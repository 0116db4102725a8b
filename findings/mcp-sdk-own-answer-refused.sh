#!/usr/bin/env bash
# Tool:     @modelcontextprotocol/sdk 1.32.2 with zod 4.6.7 (npm), a server and a client of it
# Surprise: A tool's structured answer with one field more than its output schema passes the server's check and
#           is sent; the library's own client then refuses it. The check ignores unknown fields, the announced
#           schema forbids them ("additionalProperties": false), and the server sends what was not checked away.
# Guess:    One library, one schema: what its server has validated, its client takes. Or the extra is dropped.
# For MCP:  A tool that answers with a record from the registry breaks at the client when a field is added:
#           parse the answer with the schema before it is returned, or declare it with z.looseObject().
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> exactly the schema: {"count":1}
#> one field more: client refuses: data must NOT have additional properties
#> one field more, z.looseObject(): {"count":1,"extra":2}
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts \
  deno@2.9.6 @modelcontextprotocol/sdk@1.32.2 zod@4.6.7
deno=$(echo "$tmp"/node_modules/@deno/*/deno)

cat > "$tmp/answer.mjs" <<'END'
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
const shape = { count: z.number() };
const tools = {
  "exactly the schema": [shape, { count: 1 }],
  "one field more": [shape, { count: 1, extra: 2 }],
  "one field more, z.looseObject()": [z.looseObject(shape), { count: 1, extra: 2 }],
};
for (const [words, [outputSchema, structuredContent]] of Object.entries(tools)) {
  const server = new McpServer({ name: "server", version: "1" });
  server.registerTool("show", { outputSchema }, () => ({ content: [], structuredContent }));
  const client = new Client({ name: "client", version: "1" });
  const [here, there] = InMemoryTransport.createLinkedPair();
  await server.connect(here);
  await client.connect(there);
  await client.listTools();
  const answer = await client.callTool({ name: "show", arguments: {} }).then(
    (result) => result.isError ? "server refuses" : JSON.stringify(result.structuredContent),
    (error) => `client refuses: ${error.message.split(": ").at(-1)}`,
  );
  console.log(`${words}: ${answer}`);
}
END
timeout 60 "$deno" run --quiet --allow-all "$tmp/answer.mjs" | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
