/**
 * `mcp adopt` — gives containers that MCP did not create to a service.
 *
 * Claiming the containers of the wrong node would be hard to undo. So where
 * nothing says which node is meant, all are asked what they would adopt, and the
 * command goes on only when exactly one would.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { errorChain, McpError } from "../../lib/errors.ts";
import type { AdoptResult } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { answered, askAll, unanswered } from "../agents/fan_out.ts";
import {
  nodeOption,
  serviceArgument,
  switchFlag,
  timeoutOption,
} from "../command_line/arguments.ts";
import type { Command, CommandContext } from "../command.ts";
import type { Node } from "../settings/config.ts";
import { requireNode } from "../settings/nodes.ts";
import { exitCodes } from "../output/exit_code.ts";
import type { JsonObject } from "../output/json.ts";
import type { Line, Span } from "../output/screen_text.ts";
import { orDash } from "../output/services.ts";

const parser = object({
  service: serviceArgument(),
  node: nodeOption("The node whose containers are meant"),
  dryRun: switchFlag("--dry-run", "Show what would be claimed, and change nothing"),
  timeoutMs: timeoutOption(60_000),
});

type AdoptInput = InferValue<typeof parser>;

export const adopt: Command<AdoptInput> = {
  path: ["adopt"],
  summary: "Claim running containers for a service",
  description:
    "Claims the containers <service> and <service>-* that MCP did not create. They go on running as they are; what a later deploy would not bring back is listed.",
  examples: [
    { line: "mcp adopt metacrypt --dry-run", effect: "see what would be claimed" },
    { line: "mcp adopt metacrypt", effect: "claim it" },
    { line: "mcp adopt metacrypt --node rift", effect: "on this node" },
  ],
  parser,

  async run(context, input) {
    const { agents, progress } = context;
    const { service, dryRun, timeoutMs } = input;
    const node = await nodeToAdoptOn(context, input);
    const { results } = await progress.during(
      () => [`${dryRun ? "Looking for" : "Adopting"} containers of ${service} on ${node.name}`],
      agents.ask(node, (agent, call) => agent.adoptContainer({ service, dryRun }, call), {
        timeoutMs,
      }),
    );
    if (results.length === 0) throw nothingMatches(service, [node]);
    const refused = results.some(({ success }) => !success);
    return {
      screen: [
        {
          columns: ["CONTAINER", "COMPONENT", "RESULT"],
          rows: results.map((result) => rowOf(result, dryRun)),
        },
        lossLines(service, results),
        results.some(({ success }) => success) ? [nextLine(service, node, dryRun)] : [],
      ],
      json: { service, node: node.name, dry_run: dryRun, results: results.map(resultJson) },
      exitCode: refused ? exitCodes.failed : exitCodes.done,
    };
  },
};

/** The node that was named, that the definition names, or that alone has something to adopt. */
async function nodeToAdoptOn(context: CommandContext, input: AdoptInput): Promise<Node> {
  const { service, node: named, timeoutMs } = input;
  const nodes = await context.nodes();
  if (named !== undefined) return requireNode(nodes, named);
  const definition = await context.definitions.inFolder(service);
  if (definition !== undefined) return definition.node;
  const [only, ...others] = nodes;
  if (only !== undefined && others.length === 0) return only;

  const answers = await askAll(
    context,
    nodes,
    async (agent, call) => (await agent.adoptContainer({ service, dryRun: true }, call)).results,
    { timeoutMs },
  );
  const failed = unanswered(answers).filter(({ error }) => error.kind !== "not_found");
  const [firstFailed] = failed;
  if (firstFailed !== undefined) {
    throw new McpError(
      firstFailed.error.kind,
      `Cannot tell which node has containers of "${service}"`,
      {
        details: failed.map(({ error }) => errorChain(error)),
        hint: `Say which with \`mcp adopt ${service} --node NAME\``,
      },
    );
  }
  const matching = answered(answers).filter(({ value }) => value.length > 0);
  const willing = matching.filter(({ value }) => value.some(({ success }) => success));
  // Where every claim is refused, the refusals are the answer.
  const candidates = willing.length > 0 ? willing : matching;
  const [candidate, ...more] = candidates;
  if (candidate === undefined) throw nothingMatches(service, nodes);
  if (more.length === 0) return candidate.node;
  const names = candidates.map(({ node }) => `"${node.name}"`).join(" and ");
  throw new McpError("conflict", `The nodes ${names} both have containers of "${service}"`, {
    hint: `Say which with \`mcp adopt ${service} --node NAME\``,
  });
}

function nothingMatches(service: string, nodes: readonly Node[]): McpError {
  const where = nodes.map(({ name }) => `"${name}"`).join(", ");
  return new McpError(
    "not_found",
    `No container on ${where} is called "${service}" or "${service}-…" and can be claimed`,
    { hint: "`mcp ps --all` shows every container that the nodes see" },
  );
}

function rowOf(result: AdoptResult, dryRun: boolean): readonly Span[] {
  const { container, component, success, error } = result;
  return [
    container,
    orDash(component),
    success
      ? { text: dryRun ? "would be adopted" : "adopted", tone: "good" }
      : { text: `refused: ${error}`, tone: "bad" },
  ];
}

/** What no definition can say of the containers. */
function lossLines(service: string, results: readonly AdoptResult[]): Line[] {
  return results
    .filter(({ unexpressed }) => unexpressed.length > 0)
    .map(({ component, unexpressed }) => [
      `${service}/${component}: a deploy would lose: `,
      { text: unexpressed.join(", "), tone: "warn" },
    ]);
}

function nextLine(service: string, node: Node, dryRun: boolean): Line {
  const command = dryRun
    ? `mcp adopt ${service} --node ${node.name}`
    : `mcp service export ${service}`;
  return [{ text: "Next: ", tone: "strong" }, `Run \`${command}\``];
}

function resultJson(result: AdoptResult): JsonObject {
  const { container, component, success, error, unexpressed } = result;
  return { container, component, success, error, unexpressed };
}
