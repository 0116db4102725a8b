/**
 * `mcp node add` — learns a node: its address, and the CA that vouches for it.
 *
 * @module
 */

import { object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { dirname, join } from "node:path";
import { McpError } from "../../../lib/errors.ts";
import { parseAddress } from "../../../lib/rpc/address.ts";
import type { Files } from "../../../lib/system/files.ts";
import { filePath, nodeArgument, textArgument, textOption } from "../../command_line/arguments.ts";
import { command } from "../../command.ts";
import { exitCodes } from "../../output/exit_code.ts";

/** Where the CA comes from. */
type CaSource = { readonly file: string } | { readonly data: string };

export const nodeAdd = command({
  path: ["node", "add"],
  summary: "Learn a node",
  description:
    "Writes the node into the config, which is created when there is none. A CA that is given here is copied beside the config and is the only one trusted for this node.",
  examples: [
    {
      line: "mcp node add rift 192.0.2.7:9444 --ca-data MIIB…",
      effect: "with the line that `mcp-agent init` printed",
    },
    { line: "mcp node add rift rift.example:9444 --ca-cert ca.pem", effect: "with a CA of yours" },
  ],
  parser: object({
    name: nodeArgument(),
    address: textArgument("ADDRESS", "Where its agent listens, host:port"),
    ca: optional(or(
      map(
        option("--ca-cert", filePath(), { description: message`PEM file of the CA` }),
        (file): CaSource => ({ file }),
      ),
      map(
        textOption(
          "--ca-data",
          "BASE64",
          "The CA certificate in one line, as `mcp-agent init` prints it",
        ),
        (data): CaSource => ({ data }),
      ),
    )),
  }),

  async run({ files, env, configFile }, { name, address, ca }) {
    const { parseConfig } = await import("../../settings/config.ts");
    const { addNode } = await import("../../settings/config_edit.ts");
    const { loginCommand } = await import("../../identity/token.ts");
    if (parseAddress(address) === undefined) {
      throw new McpError("invalid", `Cannot use ${JSON.stringify(address)} as an address`, {
        hint: "Write host:port, e.g. 192.0.2.7:9444",
      });
    }
    const text = await files.readText(configFile) ?? "";
    const pem = ca === undefined ? undefined : await readCa(files, ca);
    const known = parseConfig(text, configFile, env.HOME).nodes.find((node) => node.name === name);
    if (known !== undefined) {
      const knownPem = known.caCert === undefined ? undefined : await files.readText(known.caCert);
      if (known.address === address && (pem === undefined || pem === knownPem)) {
        return {
          screen: [[[`Node ${name} is in ${configFile} already`]]],
          json: { name, address, config: configFile, changed: false },
          exitCode: exitCodes.done,
        };
      }
      throw new McpError("conflict", `There is a node "${name}" already, at ${known.address}`, {
        hint: `Run \`mcp node remove ${name}\` first`,
      });
    }

    const caCert = pem === undefined ? undefined : join("ca", `${name}.pem`);
    const edited = addNode(text, { name, address, caCert });
    // The CA first: a config that names a missing file would be worse than a file without use.
    if (pem !== undefined && caCert !== undefined) {
      await files.writeText(join(dirname(configFile), caCert), pem, { mode: 0o644 });
    }
    await files.writeText(configFile, edited, { mode: await files.mode(configFile) ?? 0o644 });
    const config = parseConfig(edited, configFile, env.HOME);
    return {
      screen: [[
        [`Added node ${name} to ${configFile}`],
        [
          { text: "Next: ", tone: "strong" },
          `Run \`${loginCommand(config, name)}\`, then \`mcp node list\``,
        ],
      ]],
      json: { name, address, config: configFile, changed: true },
      exitCode: exitCodes.done,
    };
  },
});

async function readCa(files: Files, source: CaSource): Promise<string> {
  const { caFromBase64, caFromPem } = await import("../../settings/ca_certificate.ts");
  if ("data" in source) return caFromBase64(source.data);
  const text = await files.readText(source.file);
  if (text === undefined) throw new McpError("not_found", `There is no file ${source.file}`);
  return caFromPem(text, `file ${source.file}`);
}
