/**
 * `mcp node remove` — forgets a node, its CA and its token.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { dirname, join } from "node:path";
import { nearest } from "../../../lib/domain/nearest.ts";
import { McpError } from "../../../lib/errors.ts";
import { nodeArgument } from "../../command_line/arguments.ts";
import { command } from "../../command.ts";
import { exitCodes } from "../../output/exit_code.ts";

export const nodeRemove = command({
  path: ["node", "remove"],
  summary: "Forget a node, its CA and its token",
  description: "Nothing changes on the node itself.",
  examples: [{ line: "mcp node remove rift", effect: "forget rift" }],
  parser: object({ name: nodeArgument() }),

  async run({ files, config: loadConfig, configFile }, { name }) {
    const { removeNode } = await import("../../settings/config_edit.ts");
    const { nodeTokenPath } = await import("../../identity/token.ts");
    const config = await loadConfig();
    const node = config.nodes.find((each) => each.name === name);
    if (node === undefined) {
      const known = config.nodes.map((each) => each.name);
      const close = nearest(name, known);
      throw new McpError("not_found", `There is no node "${name}" in ${configFile}`, {
        hint: close === undefined ? "See `mcp node list`" : `Did you mean "${close}"?`,
      });
    }
    const text = await files.readText(configFile) ?? "";
    await files.writeText(configFile, removeNode(text, name), {
      mode: await files.mode(configFile) ?? 0o644,
    });
    // A CA elsewhere is the operator's own; only the copy that `node add` made is removed.
    const copiedCa = join(dirname(configFile), "ca", `${name}.pem`);
    if (node.caCert === copiedCa) await files.remove(copiedCa);
    await files.remove(nodeTokenPath(config, name));
    return {
      screen: [[[`Removed node ${name} from ${configFile}`]]],
      json: { name, address: node.address, config: configFile },
      exitCode: exitCodes.done,
    };
  },
});
