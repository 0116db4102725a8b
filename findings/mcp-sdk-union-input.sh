#!/usr/bin/env bash
# Tool:     @modelcontextprotocol/sdk 1.32.2 with zod 4.6.7 (npm), McpServer.registerTool()
# Surprise: A tool whose input is a discriminated union is announced as taking an object without properties:
#           clients are told nothing of what the tool then insists on. No error, no warning.
# Guess:    The schema is announced as zod itself writes it (z.toJSONSchema() gives an "anyOf" or "oneOf"), or it
#           is refused when the tool is registered.
# For MCP:  An assistant's tool that takes "a service or a node" needs one object with optional fields and a
#           check in its handler; test what listTools() answers, not only calls.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> zod writes: oneOf of service,node
#> announced: {"type":"object","properties":{}}
#> called with {"kind":"node"}: refused
#> called with {"kind":"node","node":"rift"}: done
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts \
  deno@2.9.6 @modelcontextprotocol/sdk@1.32.2 zod@4.6.7
deno=$(echo "$tmp"/node_modules/@deno/*/deno)

cat > "$tmp/announce.mjs" <<'END'
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
const inputSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("service"), service: z.string() }),
  z.object({ kind: z.literal("node"), node: z.string() }),
]);
const written = z.toJSONSchema(inputSchema);
const [word] = Object.keys(written).filter((key) => key.endsWith("Of"));
console.log(`zod writes: ${word} of ${written[word].map(({ properties }) => properties.kind.const)}`);

const server = new McpServer({ name: "server", version: "1" });
server.registerTool("show", { inputSchema }, () => ({ content: [] }));
const client = new Client({ name: "client", version: "1" });
const [here, there] = InMemoryTransport.createLinkedPair();
await server.connect(here);
await client.connect(there);
const { tools: [tool] } = await client.listTools();
console.log(`announced: ${JSON.stringify(tool.inputSchema)}`);
for (const given of [{ kind: "node" }, { kind: "node", node: "rift" }]) {
  const { isError } = await client.callTool({ name: "show", arguments: given });
  console.log(`called with ${JSON.stringify(given)}: ${isError ? "refused" : "done"}`);
}
END
timeout 60 "$deno" run --quiet --allow-all "$tmp/announce.mjs" | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
