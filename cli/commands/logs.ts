/**
 * `mcp logs` — what a service prints, over all its components and nodes.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { McpError } from "../../lib/errors.ts";
import { answered } from "../agents/fan_out.ts";
import { findService } from "../agents/find_service.ts";
import { type NodeLogLine, readLogs } from "../agents/logs.ts";
import {
  nodeOption,
  sinceOption,
  switchFlag,
  targetArgument,
  textOption,
  timeoutOption,
  untilOption,
} from "../command_line/arguments.ts";
import { command, type CommandContext, type Piece, type Shown, type Stream } from "../command.ts";
import type { Node } from "../settings/config.ts";
import { exitCodeOfNodes } from "../output/exit_code.ts";
import type { JsonObject } from "../output/json.ts";
import { type Line, type Tone, tonesOfNames } from "../output/screen_text.ts";
import { sinceWhen } from "../command_line/since.ts";

export const logs = command({
  path: ["logs"],
  summary: "Show what a service prints, over all its components",
  description:
    "In the order of time, over all components and all nodes that have the service. With --follow: on and on until Ctrl-C, also with the containers that come after a deploy. A node tells no more than is read: of what is printed meanwhile the oldest is passed over, and it is said how much.",
  examples: [
    { line: "mcp logs metacrypt --tail 100", effect: "the last lines of each component" },
    { line: "mcp logs metacrypt/web --follow", effect: "one component, as it prints" },
    { line: "mcp logs metacrypt --since 10m --grep 'panic|error'", effect: "what matches" },
    { line: "mcp logs metacrypt --follow --json", effect: "one JSON object per line, for scripts" },
  ],
  parser: object({
    target: targetArgument(),
    follow: switchFlag("--follow", "Go on with each line as it is printed", "-F"),
    since: sinceOption(),
    until: untilOption(),
    tail: optional(option("-n", "--tail", integer({ metavar: "N", min: 0, max: 1_000_000 }), {
      description: message`Only the last so many lines of each component`,
    })),
    grep: optional(textOption("--grep", "REGEX", "Only lines in which this is found")),
    timestamps: switchFlag("--timestamps", "When each line was printed, in UTC", "-t"),
    node: nodeOption("Only on this node"),
    timeoutMs: timeoutOption(10_000),
  }),

  async run(context, input) {
    const { target: { service, component }, follow, timeoutMs } = input;
    const wanted = pattern(input.grep);
    const now = context.clock.now();
    const { nodes, components } = await whereItIs(context, service, input.node, timeoutMs);
    const question = {
      service,
      component,
      follow,
      since: input.since && sinceWhen(input.since, now),
      until: input.until && sinceWhen(input.until, now),
      tail: input.tail,
    };
    const line = lineFormat({
      names: component === undefined ? components : [component],
      nodeNames: nodes.map(({ name }) => name),
      timestamps: input.timestamps,
    });
    return { pieces: pieces(context, nodes, question, { wanted, line }) } satisfies Stream;
  },
});

async function* pieces(
  context: CommandContext,
  nodes: readonly Node[],
  question: Parameters<typeof readLogs>[2],
  { wanted, line }: {
    readonly wanted: RegExp | undefined;
    readonly line: (told: NodeLogLine) => Line;
  },
): AsyncGenerator<Piece> {
  const reading = readLogs(context, nodes, question);
  const isWanted = (told: NodeLogLine) =>
    told.line.skipped > 0 || wanted?.test(told.line.text) !== false;
  // Of the two only one is asked for.
  const shown = (told: NodeLogLine): Shown => ({
    get line() {
      return line(told);
    },
    get json() {
      return lineJson(told);
    },
  });
  for (;;) {
    const { done, value } = await reading.next();
    if (done) {
      if (context.interrupted.aborted) return;
      const { failures } = value;
      const [only] = failures;
      // Nobody told anything: that is a failure, and not an empty log.
      if (only !== undefined && failures.length === nodes.length) throw only;
      const unreached = failures.filter(({ kind }) => kind !== "not_found");
      yield { exitCode: exitCodeOfNodes(unreached, nodes.length - unreached.length) };
      return;
    }
    if ("aside" in value) yield value;
    else yield { lines: value.lines.filter(isWanted).map(shown) };
  }
}

/** The nodes that know the service, and its components there. */
async function whereItIs(
  context: CommandContext,
  service: string,
  only: string | undefined,
  timeoutMs: number,
): Promise<{ readonly nodes: readonly Node[]; readonly components: readonly string[] }> {
  const answers = await findService(
    context,
    await context.nodes(only),
    service,
    async (agent, call) => {
      const { services } = await agent.listServices({}, call);
      return services.find(({ name }) => name === service)?.components.map(({ name }) => name);
    },
    { timeoutMs },
  );
  const components = new Set(answered(answers).flatMap(({ value }) => value));
  // A node that did not answer is asked again, and says then why not.
  return { nodes: answers.map(({ node }) => node), components: [...components] };
}

function pattern(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text);
  } catch (error) {
    throw new McpError("invalid", `Cannot use ${JSON.stringify(text)} as a pattern`, {
      cause: error,
      hint: "Write a regular expression of JavaScript, e.g. 'error|panic'",
    });
  }
}

/** Lines begin with what tells them apart, in a color of its own. */
function lineFormat(
  { names, nodeNames, timestamps }: {
    readonly names: readonly string[];
    readonly nodeNames: readonly string[];
    readonly timestamps: boolean;
  },
): (told: NodeLogLine) => Line {
  const tones = tonesOfNames(names);
  const label = (nodeName: string, component: string) =>
    nodeNames.length > 1 ? `${nodeName} ${component}` : component;
  const width = Math.max(
    0,
    ...nodeNames.flatMap((node) => names.map((name) => label(node, name).length)),
  );
  return ({ nodeName, at, line }) => {
    const tone: Tone = tones.get(line.component) ?? "strong";
    return [
      ...(timestamps ? [{ text: `${instantOf(at)}  `, tone: "faint" } as const] : []),
      { text: `${label(nodeName, line.component).padEnd(width)} | `, tone },
      line.skipped > 0
        ? { text: `… ${line.skipped} lines passed over, for want of time`, tone: "warn" }
        : line.text,
    ];
  };
}

function lineJson({ nodeName, at, line }: NodeLogLine): JsonObject {
  return {
    node: nodeName,
    component: line.component,
    at: instantOf(at),
    stream: line.stderr ? "stderr" : "stdout",
    ...(line.skipped > 0 ? { skipped: line.skipped } : { text: line.text }),
  };
}

/** To the nanosecond: lines of one millisecond have an order. */
function instantOf(at: bigint): string {
  const seconds = new Date(Number(at / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(at % 1_000_000_000n).padStart(9, "0")}Z`;
}
