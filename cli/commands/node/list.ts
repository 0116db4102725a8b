/**
 * `mcp node list` — the nodes this workstation knows, and whether they answer.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { errorChain } from "../../../lib/errors.ts";
import type { NodeStatusResponse } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { type Answer, askAll } from "../../agents/fan_out.ts";
import { switchFlag, timeoutOption } from "../../command_line/arguments.ts";
import { command, type Report } from "../../command.ts";
import type { Node } from "../../settings/config.ts";
import { exitCodeOfAnswers, nextLines } from "../../output/answers.ts";
import { exitCodes } from "../../output/exit_code.ts";
import { failureJson } from "../../output/failure.ts";
import type { JsonObject } from "../../output/json.ts";
import type { Span } from "../../output/screen_text.ts";

export const nodeList = command({
  path: ["node", "list"],
  summary: "List the nodes this workstation knows, and whether they answer",
  examples: [
    { line: "mcp node list", effect: "ask each for its versions and counts" },
    { line: "mcp node list --offline", effect: "only read the config" },
  ],
  parser: object({
    offline: switchFlag("--offline", "Only read the config; ask no node"),
    timeoutMs: timeoutOption(5_000),
  }),

  async run(context, { offline, timeoutMs }) {
    const { nodes, file } = await context.config();
    if (nodes.length === 0) return noNodes(file);
    if (offline) return listed(nodes);
    const answers = await askAll(
      context,
      nodes,
      (agent, call) => agent.nodeStatus({}, call),
      { timeoutMs },
    );
    return {
      screen: [
        {
          columns: ["NAME", "ADDRESS", "AGENT", "RUNTIME", "SERVICES", "COMPONENTS"],
          rows: answers.map(rowOf),
        },
        nextLines(answers),
      ],
      json: { nodes: answers.map(answerJson) },
      exitCode: exitCodeOfAnswers(answers),
    };
  },
});

function noNodes(configFile: string): Report {
  return {
    screen: [[
      [`There are no nodes in ${configFile} yet`],
      [{ text: "Next: ", tone: "strong" }, "Run `mcp node add <name> <host:port>`"],
    ]],
    json: { nodes: [] },
    exitCode: exitCodes.done,
  };
}

function listed(nodes: readonly Node[]): Report {
  return {
    screen: [{
      columns: ["NAME", "ADDRESS"],
      rows: nodes.map(({ name, address }) => [name, address]),
    }],
    json: { nodes: nodes.map(nodeJson) },
    exitCode: exitCodes.done,
  };
}

function rowOf(answer: Answer<NodeStatusResponse>): readonly Span[] {
  const { name, address } = answer.node;
  if ("error" in answer) return [name, address, { text: errorChain(answer.error), tone: "bad" }];
  const { agentVersion, runtime, runtimeVersion, runtimeError, serviceCount, componentCount } =
    answer.value;
  return [
    name,
    address,
    agentVersion,
    runtimeError === ""
      ? `${runtime} ${runtimeVersion}`
      : { text: `${runtime}: ${runtimeError}`, tone: "bad" },
    String(serviceCount),
    String(componentCount),
  ];
}

function nodeJson({ name, address, caCert }: Node): JsonObject {
  return { name, address, ca_cert: caCert ?? null };
}

function answerJson(answer: Answer<NodeStatusResponse>): JsonObject {
  if ("error" in answer) return { ...nodeJson(answer.node), error: failureJson(answer.error) };
  const status = answer.value;
  return {
    ...nodeJson(answer.node),
    agent_version: status.agentVersion,
    runtime: status.runtime,
    runtime_version: status.runtimeVersion,
    runtime_error: status.runtimeError === "" ? null : status.runtimeError,
    service_count: status.serviceCount,
    component_count: status.componentCount,
  };
}
