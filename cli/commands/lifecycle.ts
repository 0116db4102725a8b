/**
 * `mcp stop`, `mcp start` and `mcp restart`.
 *
 * The first two record whether a service should run, then tell its node. The file comes first: if
 * the node cannot be reached, the next `mcp sync` still carries the operator's intent.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { McpError } from "../../lib/errors.ts";
import type { ServiceResponse } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import type { Question } from "../agents/agents.ts";
import { command, type CommandContext, type Report } from "../command.ts";
import { serviceArgument, timeoutOption } from "../command_line/arguments.ts";
import type { Home } from "../definitions/definitions.ts";
import { exitCodeOfResults, resultJson, resultLines } from "../output/results.ts";

/** How long a node is given to stop or start all containers of a service. */
export const lifecycleTimeoutMs = 2 * 60_000;

const parser = object({
  service: serviceArgument(),
  timeoutMs: timeoutOption(lifecycleTimeoutMs),
});

export const stop = command({
  path: ["stop"],
  summary: "Stop every component of a service and keep it stopped",
  description:
    "Sets active = false in the service's definition first, so that the intent survives a node that cannot be reached.",
  examples: [{ line: "mcp stop metacrypt", effect: "stop it and remember that" }],
  parser,

  async run(context, { service, timeoutMs }) {
    return await setIntent(context, service, {
      active: false,
      verb: "Stopping",
      question: (agent, call) => agent.stopService({ name: service }, call),
      timeoutMs,
    });
  },
});

export const start = command({
  path: ["start"],
  summary: "Start every component of a service and keep it running",
  description:
    "Sets active = true in the service's definition first. A container that is gone is made again from the spec it was last deployed with.",
  examples: [{ line: "mcp start metacrypt", effect: "start it and remember that" }],
  parser,

  async run(context, { service, timeoutMs }) {
    return await setIntent(context, service, {
      active: true,
      verb: "Starting",
      question: (agent, call) => agent.startService({ name: service }, call),
      timeoutMs,
    });
  },
});

/** Changes no intent and no file. */
export const restart = command({
  path: ["restart"],
  summary: "Restart the components of a service that should be running",
  examples: [{ line: "mcp restart metacrypt", effect: "stop and start its containers" }],
  parser,

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

/** What is wanted of a service from now on, and how its node is told. */
interface Intent {
  readonly active: boolean;
  /** What is shown while the node works, e.g. "Stopping". */
  readonly verb: string;
  readonly question: Question<ServiceResponse>;
  readonly timeoutMs: number;
}

/** Records the intent in the definition file, when there is one, then tells the node. */
async function setIntent(
  { definitions, agents, progress }: Pick<
    CommandContext,
    "definitions" | "agents" | "progress"
  >,
  service: string,
  { active, verb, question, timeoutMs }: Intent,
): Promise<Report> {
  const home = await definitions.homeOf(service, { timeoutMs });
  const { node, file } = home;
  const changed = file !== undefined && await definitions.setActive(file, active);
  const { results } = await progress.during(
    () => [`${verb} ${service} on ${node.name}`],
    agents.ask(node, question, { timeoutMs }),
  ).catch((error: unknown) => {
    throw carriedLater(error, service, home, active);
  });
  return {
    screen: [
      resultLines(service, results),
      changed ? [[`Set active = ${active} in ${file}`]] : [],
    ],
    json: {
      service,
      node: node.name,
      active,
      file: file ?? null,
      file_changed: changed,
      results: results.map(resultJson),
    },
    exitCode: exitCodeOfResults(results),
  };
}

/** A node that cannot be reached learns of the intent later; every other failure is itself. */
function carriedLater(error: unknown, service: string, home: Home, active: boolean): unknown {
  const { node, file } = home;
  if (file === undefined || !(error instanceof McpError) || error.kind !== "unavailable") {
    return error;
  }
  return new McpError(
    "unavailable",
    `Cannot ${active ? "start" : "stop"} "${service}" now, but ${file} says active = ${active}`,
    {
      cause: error,
      details: error.details,
      hint: `Run \`mcp sync\` when node "${node.name}" is back: it carries the change`,
    },
  );
}
