/**
 * What every command takes.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { filePath } from "./arguments.ts";

/** The options of every command. */
export const everywhere = object("Everywhere", {
  json: withDefault(
    flag("--json", { description: message`Print one JSON object instead of text` }),
    false,
  ),
  config: optional(option("--config", filePath({ extensions: [".toml"] }), {
    description: message`Config instead of mcp.toml in the XDG folder; also MCP_CONFIG`,
  })),
});
