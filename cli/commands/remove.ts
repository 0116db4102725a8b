/**
 * `mcp remove` — takes a service out of its node.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { McpError } from "../../lib/errors.ts";
import type { RemoveServiceResponse } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import {
  dryRunFlag,
  nodeOption,
  serviceArgument,
  switchFlag,
  timeoutOption,
  yesFlag,
} from "../command_line/arguments.ts";
import type { Command, CommandContext, Report } from "../command.ts";
import type { Node } from "../settings/config.ts";
import { confirmByTyping, isInteractive } from "../terminal/confirm.ts";
import { exitCodeOfResults, resultJson, resultLines } from "../output/results.ts";
import type { Line } from "../output/screen_text.ts";

/** Each container is given its time to stop. */
const removeTimeoutMs = 5 * 60_000;
const longestLookupMs = 30_000;

const parser = object({
  service: serviceArgument(),
  purgeData: switchFlag("--purge-data", "Remove everything in /srv/SERVICE as well"),
  node: nodeOption("The node, when several know the service"),
  dryRun: dryRunFlag("Show what would go and what stays, and change nothing"),
  yes: yesFlag(),
  timeoutMs: timeoutOption(removeTimeoutMs),
});

type RemoveInput = InferValue<typeof parser>;

export const remove: Command<RemoveInput> = {
  path: ["remove"],
  summary: "Take a service out of its node",
  description:
    "Its containers go, and what the node remembers of it but for its history. Its data in /srv and its definition file stay. With --purge-data everything in /srv/SERVICE goes as well; nothing brings it back. On a terminal it shows what would go, and asks for the service's name; a script must say --yes.",
  examples: [
    { line: "mcp remove metacrypt", effect: "the containers; data and definition stay" },
    { line: "mcp remove metacrypt --dry-run", effect: "only show what would go, and what stays" },
    {
      line: "mcp remove metacrypt --purge-data",
      effect: "the data as well, after being asked twice",
    },
  ],
  parser,

  async run(context, input) {
    const { service, purgeData, dryRun, yes, timeoutMs } = input;
    const { node, file } = await context.definitions.homeOf(service, {
      timeoutMs,
      node: input.node,
    }).catch((error: unknown) => {
      throw withPurgeHint(error, input);
    });
    const ask = (dryRun: boolean, timeoutMs: number) =>
      context.progress.during(
        () => [
          dryRun ? `Looking at ${service} on ${node.name}` : `Removing ${service} on ${node.name}`,
        ],
        context.agents.ask(
          node,
          (agent, call) => agent.removeService({ name: service, purgeData, dryRun }, call),
          { timeoutMs },
        ),
      );
    if (!dryRun && !yes) {
      if (!isInteractive(context.terminal)) throw needsYes(input);
      const plan = await ask(true, Math.min(timeoutMs, longestLookupMs));
      await agree(context, input, node, goingLines(plan, { service, node, file, dryRun: true }));
    }
    return report(await ask(dryRun, timeoutMs), { service, node, file, dryRun });
  },
};

/** The name, and for the data a sentence: what is typed out was meant. */
async function agree(
  context: CommandContext,
  { service, purgeData }: RemoveInput,
  node: Node,
  lines: readonly Line[],
): Promise<void> {
  const question = `Type the name of the service to remove it from ${node.name}:`;
  await confirmByTyping(context, [lines], question, service);
  if (!purgeData) return;
  const word = `purge ${service}`;
  await confirmByTyping(
    context,
    [[[{ text: `Nothing brings the data of ${service} back`, tone: "bad" }]]],
    `Type "${word}" to remove it as well:`,
    word,
  );
}

interface Going {
  readonly service: string;
  readonly node: Node;
  /** The definition, when there is one. */
  readonly file: string | undefined;
  readonly dryRun: boolean;
}

function report(answer: RemoveServiceResponse, going: Going): Report {
  const { service, node, file, dryRun } = going;
  const failed = answer.results.some(({ success }) => !success);
  return {
    screen: [
      failed ? resultLines(service, answer.results) : [],
      goingLines(answer, going),
    ],
    json: {
      service,
      node: node.name,
      dry_run: dryRun,
      removed: [...answer.removed],
      kept: [...answer.kept],
      file: file ?? null,
      results: answer.results.map(resultJson),
    },
    exitCode: exitCodeOfResults(answer.results),
  };
}

function goingLines(
  { removed, kept }: RemoveServiceResponse,
  { service, node, file, dryRun }: Going,
): Line[] {
  const stays = [...kept, ...(file === undefined ? [] : [`the definition ${file}`])];
  return [
    [{
      text: dryRun ? `${service} on ${node.name}: would go` : `${service} on ${node.name}: removed`,
      tone: "strong",
    }],
    ...(removed.length === 0 ? [["  nothing but its entry"]] : []),
    ...removed.map((what): Line => ["  ", { text: what, tone: "bad" }]),
    ...(stays.length === 0
      ? []
      : [[{ text: dryRun ? "would stay" : "stays", tone: "strong" }] as Line]),
    ...stays.map((what): Line => [`  ${what}`]),
  ];
}

function needsYes({ service, purgeData }: RemoveInput): McpError {
  const purge = purgeData ? " --purge-data" : "";
  return new McpError("invalid", `Cannot remove "${service}" without being told so`, {
    hint:
      `Run \`mcp remove ${service}${purge} --dry-run\` to see what would go, and with --yes to do it`,
  });
}

/** What is left of a service that is gone lies on a node that does not say so by itself. */
function withPurgeHint(error: unknown, { service, purgeData }: RemoveInput): unknown {
  if (!purgeData || !(error instanceof McpError) || error.kind !== "not_found") return error;
  return new McpError("not_found", error.message, {
    details: error.details,
    hint:
      `If it was removed before, say where its data lies: \`mcp remove ${service} --purge-data --node NAME\``,
  });
}
