/**
 * `mcp-agent permissions` — prints the Deno flags that `mcp-agent server` needs.
 *
 * Grants:
 *   read  the config
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { realFiles } from "../../lib/system/files.ts";
import { loadConfig } from "../config.ts";
import { serverPermissions } from "../permissions.ts";
import { configOption, jsonFlag, subcommand } from "./process.ts";

/** Derives the flags from the config, one per line. */
export const permissions = subcommand({
  path: ["permissions"],
  summary: "Print the Deno permissions that the server needs with this config",
  example: "mcp-agent permissions --config /srv/mcp/mcp-agent.toml",
  grants: ["--allow-read"],
  parser: object({ config: configOption(), json: jsonFlag() }),

  async run(input, print) {
    const flags = serverPermissions(await loadConfig(realFiles, input.config));
    if (input.json) print(JSON.stringify({ flags }));
    else for (const flag of flags) print(flag);
  },
});
