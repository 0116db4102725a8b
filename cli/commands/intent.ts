/**
 * Recording whether a service should run, and telling its node.
 *
 * The file comes first: if the node cannot be reached, the next `mcp sync` still
 * carries the operator's intent.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import type { ServiceResponse } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import type { Question } from "../agents/agents.ts";
import type { CommandContext, Report } from "../command.ts";
import { exitCodeOfResults, resultJson, resultLines } from "../output/results.ts";
import type { Home } from "../definitions/definitions.ts";

/** How long a node is given to stop or start all containers of a service. */
export const lifecycleTimeoutMs = 2 * 60_000;

/** What is wanted of a service from now on, and how its node is told. */
interface Intent {
  readonly active: boolean;
  /** What is shown while the node works, e.g. "Stopping". */
  readonly verb: string;
  readonly question: Question<ServiceResponse>;
  readonly timeoutMs: number;
}

/** Records the intent in the definition file, when there is one, then tells the node. */
export async function setIntent(
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
