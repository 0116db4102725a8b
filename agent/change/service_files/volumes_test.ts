import { strictEqual } from "node:assert/strict";
import { ownFolderAt } from "./volumes.ts";

const usual = { serviceRoot: "/srv", ownFolders: ["/srv/mcp", "/etc/mcp/keys"] };
/** The services' folders lie in the agent's, as in tests and on a workstation. */
const nested = { serviceRoot: "/node/srv", ownFolders: ["/node", "/node/srv/mcp"] };

for (
  const [path, folders, own] of [
    ["/srv/mcp", usual, "/srv/mcp"],
    ["/srv/mcp/mcp.db", usual, "/srv/mcp"],
    ["/srv/mcp/backups/x", usual, "/srv/mcp"],
    ["/srv", usual, "/srv/mcp"],
    ["/", usual, "/srv/mcp"],
    ["/etc", usual, "/etc/mcp/keys"],
    ["/etc/mcp", usual, "/etc/mcp/keys"],
    ["/etc/mcp/keys/key.pem", usual, "/etc/mcp/keys"],
    ["/etc/mcp/other", usual, undefined],
    ["/srv/mcp-web", usual, undefined],
    ["/srv/mcpx/mcp", usual, undefined],
    ["/srv/shop", usual, undefined],
    ["/srv/shop/mcp", usual, undefined],
    ["/sr", usual, undefined],
    ["/var/lib/shop", usual, undefined],
    ["/node", nested, "/node"],
    ["/node/mcp.db", nested, "/node"],
    ["/node/srv", nested, "/node/srv/mcp"],
    ["/node/srv/mcp/x", nested, "/node/srv/mcp"],
    ["/node/srv/shop", nested, undefined],
    ["/node/srv-old", nested, "/node"],
    ["/node", { serviceRoot: "/", ownFolders: ["/node"] }, "/node"],
  ] as const
) {
  Deno.test({
    name: `ownFolderAt() is ${own} given ${path} and services in ${folders.serviceRoot}`,
    permissions: "none",
    fn: () => strictEqual(ownFolderAt(path, folders), own),
  });
}
