/**
 * `mcp restart` — stops and starts what should be running; changes no intent and no file.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { serviceArgument, timeoutOption } from "../command_line/arguments.ts";
import { command } from "../command.ts";
import { lifecycleTimeoutMs } from "./intent.ts";
import { exitCodeOfResults, resultJson, resultLines } from "../output/results.ts";

/** `mcp restart` */
export const restart = command({
  path: ["restart"],
  summary: "Restart the components of a service that should be running",
  examples: [{ line: "mcp restart metacrypt", effect: "stop and start its containers" }],
  parser: object({ service: serviceArgument(), timeoutMs: timeoutOption(lifecycleTimeoutMs) }),

  async run({ definitions, agents, progress }, { service, timeoutMs }) {
    const { node } = await definitions.homeOf(service, { timeoutMs });
    const { results } = await progress.during(
      () => [`Restarting ${service} on ${node.name}`],
      agents.ask(node, (agent, call) => agent.restartService({ name: service }, call), {
        timeoutMs,
      }),
    );
    return {
      screen: [resultLines(service, results)],
      json: { service, node: node.name, results: results.map(resultJson) },
      exitCode: exitCodeOfResults(results),
    };
  },
});
