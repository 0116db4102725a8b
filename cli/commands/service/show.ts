/**
 * `mcp service show` — the agent's copy of a service, as a definition.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { McpError } from "../../../lib/errors.ts";
import {
  nodeOption,
  serviceArgument,
  switchFlag,
  timeoutOption,
} from "../../command_line/arguments.ts";
import { command } from "../../command.ts";
import { exitCodes } from "../../output/exit_code.ts";
import { specJson } from "../../output/specs.ts";

export const serviceShow = command({
  path: ["service", "show"],
  summary: "Print what the node of a service remembers of it",
  description:
    "Prints the spec that was last pushed by deploy, sync or adopt, in the form of a definition. With --deployed: what its containers were really made from.",
  examples: [
    { line: "mcp service show metacrypt", effect: "what was last asked for" },
    { line: "mcp service show metacrypt --deployed", effect: "what was last deployed" },
  ],
  parser: object({
    service: serviceArgument(),
    deployed: switchFlag("--deployed", "What the containers were really made from"),
    node: nodeOption("The node to ask"),
    timeoutMs: timeoutOption(10_000),
  }),

  async run({ definitions }, { service, deployed, node, timeoutMs }) {
    const { writeDefinition } = await import("../../definitions/write_definition.ts");
    const copy = await definitions.copyOf(service, { node, timeoutMs });
    const spec = deployed ? copy.deployed : copy.declared;
    if (spec === undefined) throw noSpec(service, copy.node.name, deployed);
    const text = writeDefinition({ nodeName: copy.node.name, spec });
    return {
      screen: [text.trimEnd().split("\n").map((line) => [line])],
      json: {
        service,
        node: copy.node.name,
        copy: deployed ? "deployed" : "declared",
        spec: specJson(spec),
      },
      exitCode: exitCodes.done,
    };
  },
});

function noSpec(service: string, nodeName: string, deployed: boolean): McpError {
  return deployed
    ? new McpError("not_found", `Nothing of "${service}" was ever deployed on "${nodeName}"`, {
      hint: `\`mcp service show ${service}\` shows what was asked for`,
    })
    : new McpError("not_found", `Node "${nodeName}" knows "${service}", but has no spec of it`, {
      hint: `Run \`mcp adopt ${service}\``,
    });
}
