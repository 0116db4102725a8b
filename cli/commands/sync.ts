/**
 * `mcp sync` — tells every node what the definitions want of it; deploys and starts nothing.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { ServiceSyncResult } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { specToWire } from "../../lib/wire/specs.ts";
import { askEach } from "../agents/fan_out.ts";
import { nodeOption, timeoutOption } from "../command_line/arguments.ts";
import { command } from "../command.ts";
import type { FiledDefinition } from "../definitions/definitions.ts";
import { lifecycleTimeoutMs } from "./lifecycle.ts";
import { exitCodes } from "../output/exit_code.ts";
import { exitCodeOfAnswers, nextLines, nodesJson, nodesRows } from "../output/answers.ts";
import type { JsonObject } from "../output/json.ts";
import type { Line, Span } from "../output/screen_text.ts";

/** A service as its node answered. */
interface SyncedService {
  readonly name: string;
  readonly changed: boolean;
  readonly summary: string;
  /** Why it was not taken as pushed; empty when it was. */
  readonly error: string;
  /** False: no definition mentions it, and it was left alone. */
  readonly defined: boolean;
}

export const sync = command({
  path: ["sync"],
  summary: "Tell every node what the definitions want of it, without deploying",
  description:
    "Reads all definitions of the services folder, and sends nothing when one has a mistake. Each node records its services, stops those that are inactive and starts nothing. Services that no definition mentions are reported and left alone: a first sync shows what a node runs already.",
  examples: [
    { line: "mcp sync", effect: "all nodes" },
    { line: "mcp sync --node rift", effect: "one node" },
  ],
  parser: object({
    node: nodeOption("Only this node"),
    timeoutMs: timeoutOption(lifecycleTimeoutMs),
  }),

  async run(context, { node: only, timeoutMs }) {
    const nodes = await context.nodes(only);
    const definitions = await context.definitions.all();
    const answers = await askEach(
      context,
      nodes,
      (node) => {
        const own = definitions.filter((definition) => definition.node.name === node.name);
        return async (agent, call) => {
          const services = own.map(({ spec }) => specToWire(spec));
          const { results } = await agent.syncDesiredState({ services }, call);
          return results.map((result) => syncedService(result, own));
        };
      },
      { timeoutMs },
    );
    const leftAlone = answers.flatMap((answer) =>
      "value" in answer ? answer.value.filter(({ defined }) => !defined) : []
    );
    const refused = answers.some((answer) =>
      "value" in answer && answer.value.some(({ error }) => error !== "")
    );
    return {
      screen: [
        {
          columns: ["NODE", "SERVICE", "CHANGED", "SUMMARY"],
          rows: nodesRows(answers, rowsOf),
        },
        leftAlone.length === 0 ? [] : leftAloneLines(),
        nextLines(answers),
      ],
      json: {
        nodes: nodesJson(answers, (services) => ({ services: services.map(serviceJson) })),
      },
      exitCode: refused ? exitCodes.failed : exitCodeOfAnswers(answers),
    };
  },
});

function syncedService(
  { name, changed, summary, error }: ServiceSyncResult,
  definitions: readonly FiledDefinition[],
): SyncedService {
  return {
    name,
    changed,
    summary,
    error,
    defined: definitions.some(({ spec }) => spec.name === name),
  };
}

function rowsOf(services: readonly SyncedService[]): (readonly Span[])[] {
  if (services.length === 0) {
    return [[{ text: "knows no service and no container", tone: "faint" }]];
  }
  return services.map(({ name, changed, summary, error, defined }) => [
    name,
    changed ? { text: "yes", tone: "strong" } : "no",
    error !== ""
      ? { text: summary, tone: "bad" }
      : defined
      ? summary
      : { text: summary === "" ? "left alone" : summary, tone: "faint" },
  ]);
}

function leftAloneLines(): Line[] {
  return [
    ["No definition mentions some of these; they were left alone"],
    [
      { text: "Next: ", tone: "strong" },
      "`mcp adopt <service>` claims running containers, `mcp service export <service>` writes a definition",
    ],
  ];
}

function serviceJson({ name, changed, summary, error, defined }: SyncedService): JsonObject {
  return { name, changed, defined, summary, error: error === "" ? null : error };
}
