/**
 * `mcp events` — what changed state on all nodes, and what brought it about.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { optional } from "@optique/core/modifiers";
import { McpError } from "../../lib/errors.ts";
import type { AgentClient } from "../agents/agents.ts";
import { askAll } from "../agents/fan_out.ts";
import { findService } from "../agents/find_service.ts";
import { type EventView, eventView } from "../agents/service_view.ts";
import { type Happening, timeline, toTimestamp } from "../agents/timeline.ts";
import {
  limitOption,
  limitOrDefault,
  serviceArgument,
  sinceOption,
  switchFlag,
  timeoutOption,
} from "../command_line/arguments.ts";
import type { Command, CommandContext, Report, Stream } from "../command.ts";
import { exitCodeOfAnswers, failedRows, nextLines, nodesErrorsJson } from "../output/answers.ts";
import type { JsonObject } from "../output/json.ts";
import type { Line, Span } from "../output/screen_text.ts";
import { eventJson, formatInstant } from "../output/services.ts";
import { sinceWhen } from "../command_line/since.ts";

const parser = object({
  service: optional(serviceArgument()),
  since: sinceOption(),
  limit: limitOption(),
  follow: switchFlag("--follow", "Go on with each change as it is seen", "-F"),
  timeoutMs: timeoutOption(10_000),
});

type EventsInput = InferValue<typeof parser>;

export const events: Command<EventsInput> = {
  path: ["events"],
  summary: "Show what changed state, on all nodes",
  description:
    "Newest last. With --follow: each change as it is seen, until Ctrl-C; a node that cannot be reached is tried again, and goes on where it was left. Instants are UTC.",
  examples: [
    { line: "mcp events", effect: "the last 100" },
    { line: "mcp events metacrypt --since 12h", effect: "one service, the last half day" },
    { line: "mcp events --follow", effect: "as they come" },
    { line: "mcp events --follow --json", effect: "one JSON object per line, for scripts" },
  ],
  parser,

  async run(context, input) {
    return input.follow ? await followEvents(context, input) : await listEvents(context, input);
  },
};

async function listEvents(
  context: CommandContext,
  { service, since, limit: asked, timeoutMs }: EventsInput,
): Promise<Report> {
  const nodes = await context.nodes();
  const limit = limitOrDefault(asked);
  const from = since === undefined ? undefined : sinceWhen(since, context.clock.now());
  const request = {
    service: service ?? "",
    limit,
    ...(from === undefined ? {} : { since: toTimestamp(from) }),
  };
  const question = async (agent: AgentClient, call: Parameters<AgentClient["listEvents"]>[1]) =>
    (await agent.listEvents(request, call)).events.map(eventView);
  const answers = service === undefined
    ? await askAll(context, nodes, question, { timeoutMs })
    : await findService(context, nodes, service, question, { timeoutMs });
  const { happenings, isCut } = timeline(answers, limit);
  return {
    screen: [
      {
        columns: ["TIME", "NODE", "COMPONENT", "CHANGE", "CAUSE"],
        rows: [...happenings.map(cellsOf), ...failedRows(answers)],
      },
      isCut ? [[{ text: "Older ones are not shown; see --since and --limit", tone: "faint" }]] : [],
      nextLines(answers),
    ],
    json: { events: happenings.map(happeningJson), nodes: nodesErrorsJson(answers) },
    exitCode: exitCodeOfAnswers(answers),
  };
}

async function followEvents(
  context: CommandContext,
  { service, since, limit, timeoutMs }: EventsInput,
): Promise<Stream> {
  if (limit !== undefined) {
    throw new McpError("invalid", "Cannot use --limit with --follow: it has no end", {
      hint: "Say where to begin with --since",
    });
  }
  const { follow } = await import("../agents/follow.ts");
  const nodes = await context.nodes();
  const from = since === undefined ? undefined : sinceWhen(since, context.clock.now());
  const pieces = follow(context, nodes, { service: service ?? "", since: from, timeoutMs });
  return {
    pieces: (async function* () {
      for await (const piece of pieces) {
        yield "aside" in piece
          ? piece
          : { line: lineOf(piece, nodes.map(({ name }) => name)), json: happeningJson(piece) };
      }
    })(),
  };
}

function cellsOf({ nodeName, value }: Happening<EventView>): readonly Span[] {
  return [
    formatInstant(value.at),
    nodeName,
    `${value.service}/${value.component}`,
    `${value.previous} to ${value.next}`,
    value.cause,
  ];
}

/** The cells as a line: what is still to come cannot say how wide a column must be. */
function lineOf(happening: Happening<EventView>, nodeNames: readonly string[]): Line {
  const [time = "", , ...rest] = cellsOf(happening);
  const width = Math.max(...nodeNames.map((name) => name.length));
  return [[time, happening.nodeName.padEnd(width), ...rest].join("  ").trimEnd()];
}

function happeningJson({ nodeName, value }: Happening<EventView>): JsonObject {
  return { node: nodeName, ...eventJson(value) };
}
