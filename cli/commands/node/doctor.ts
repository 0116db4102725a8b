/**
 * `mcp node doctor` — what is wrong with a node, or soon will be.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import {
  countFindings,
  type Finding,
  findingTexts,
  type Level,
  needAttention,
  worstFirst,
} from "../../../lib/domain/finding.ts";
import { type Answer, askAll } from "../../agents/fan_out.ts";
import { nodeArgument, timeoutOption } from "../../command_line/arguments.ts";
import { command } from "../../command.ts";
import { exitCodeOfAnswers } from "../../output/answers.ts";
import { type ExitCode, exitCodes } from "../../output/exit_code.ts";
import { failureJson } from "../../output/failure.ts";
import type { JsonObject } from "../../output/json.ts";
import type { Line, Tone } from "../../output/screen_text.ts";

export const nodeDoctor = command({
  path: ["node", "doctor"],
  summary: "Look for what is wrong with a node, or soon will be",
  description:
    'Worst first, each with what comes of it and the command that mends it, to be run on the node as root. Nothing is repaired. What the agent cannot see from within its sandbox is "unknown", and `mcp-agent doctor` on the node shows it. Exits with 8 when anything is an error or a warning; what is unknown does not count.',
  examples: [
    { line: "mcp node doctor rift", effect: "look at one node" },
    { line: "mcp node doctor --json", effect: "look at all of them, for a script" },
  ],
  parser: object({ name: optional(nodeArgument()), timeoutMs: timeoutOption(30_000) }),

  async run(context, { name, timeoutMs }) {
    const [{ findingFromWire }, { clockFinding }, { connectionFinding }, { instant }] =
      await Promise.all([
        import("../../../lib/wire/findings.ts"),
        import("../../agents/clock_difference.ts"),
        import("../../agents/connection_trouble.ts"),
        import("../../agents/service_view.ts"),
      ]);
    const nodes = await context.nodes(name);
    const answers = await askAll(
      context,
      nodes,
      async (agent, call) => {
        const sentAt = context.clock.now();
        const answer = await agent.diagnose({}, call);
        const receivedAt = context.clock.now();
        const [askedAt, answeredAt] = [instant(answer.askedAt), instant(answer.answeredAt)];
        const clocks = askedAt === undefined || answeredAt === undefined ? [] : [
          clockFinding({ sentAt, askedAt, answeredAt, receivedAt }),
        ];
        return [...answer.findings.map(findingFromWire), ...clocks];
      },
      { timeoutMs },
    );
    const told = answers.map((answer) => ({
      answer,
      findings: worstFirst(
        "value" in answer ? answer.value : [connectionFinding(answer.node, answer.error)],
      ),
    }));
    return {
      screen: [
        ...told.map(({ answer, findings }) => linesOf(answer, findings)),
        told.some(({ findings }) => findings.some(({ fix }) => fix !== ""))
          ? [[{
            text: "Fixes are run on the node as root, but those of `mcp` itself here",
            tone: "faint",
          }]]
          : [],
      ],
      json: { nodes: told.map(({ answer, findings }) => nodeJson(answer, findings)) },
      exitCode: exitCodeOf(answers),
    };
  },
});

const tones: Readonly<Record<Level, Tone>> = {
  error: "bad",
  warning: "warn",
  unknown: "faint",
  ok: "good",
};

function linesOf({ node }: Answer<readonly Finding[]>, findings: readonly Finding[]): Line[] {
  return [
    [{ text: node.name, tone: "strong" }, `  ${node.address}  ${countFindings(findings)}`],
    ...findingTexts(findings).flatMap(({ level, label, head, more }): Line[] => [
      ["  ", { text: label, tone: tones[level] }, `  ${head}`],
      ...more.map((line): Line => [`      ${line}`]),
    ]),
  ];
}

function nodeJson(
  answer: Answer<readonly Finding[]>,
  findings: readonly Finding[],
): JsonObject {
  return {
    name: answer.node.name,
    findings: findings.map(({ id, level, what, why, fix }) => ({ id, level, what, why, fix })),
    ...("error" in answer ? { error: failureJson(answer.error) } : {}),
  };
}

/** A node that did not answer is worse than one that has something to say. */
function exitCodeOf(answers: readonly Answer<readonly Finding[]>[]): ExitCode {
  const code = exitCodeOfAnswers(answers);
  if (code !== exitCodes.done) return code;
  const isFound = answers.some((answer) => "value" in answer && needAttention(answer.value));
  return isFound ? exitCodes.failed : exitCodes.done;
}
