/**
 * `mcp audit` — who called what on all nodes, and how it ended.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { askAll } from "../agents/fan_out.ts";
import { type AuditView, auditView } from "../agents/service_view.ts";
import { type Happening, timeline, toTimestamp } from "../agents/timeline.ts";
import {
  limitOption,
  limitOrDefault,
  sinceOption,
  timeoutOption,
} from "../command_line/arguments.ts";
import { command } from "../command.ts";
import { exitCodeOfAnswers, failedRows, nextLines, nodesErrorsJson } from "../output/answers.ts";
import type { JsonObject } from "../output/json.ts";
import type { Span } from "../output/screen_text.ts";
import { formatInstant, orDash } from "../output/services.ts";
import { sinceWhen } from "../command_line/since.ts";

export const audit = command({
  path: ["audit"],
  summary: "Show who called what, on all nodes",
  description: "Refused calls too. Newest last; instants are UTC.",
  examples: [
    { line: "mcp audit", effect: "the last 100 calls" },
    { line: "mcp audit --since 7d --limit 1000", effect: "as many as the nodes give out" },
  ],
  parser: object({
    since: sinceOption(),
    limit: limitOption(),
    timeoutMs: timeoutOption(10_000),
  }),

  async run(context, { since, limit: asked, timeoutMs }) {
    const nodes = await context.nodes();
    const limit = limitOrDefault(asked);
    const from = since === undefined ? undefined : sinceWhen(since, context.clock.now());
    const request = { limit, ...(from === undefined ? {} : { since: toTimestamp(from) }) };
    const answers = await askAll(
      context,
      nodes,
      async (agent, call) => (await agent.listAudit(request, call)).entries.map(auditView),
      { timeoutMs },
    );
    const { happenings, isCut } = timeline(answers, limit);
    return {
      screen: [
        {
          columns: ["TIME", "NODE", "CALLER", "CALL", "SERVICE", "OUTCOME", "TOOK", "FROM"],
          rows: [...happenings.map(cellsOf), ...failedRows(answers)],
        },
        isCut
          ? [[{ text: "Older ones are not shown; see --since and --limit", tone: "faint" }]]
          : [],
        nextLines(answers),
      ],
      json: { calls: happenings.map(happeningJson), nodes: nodesErrorsJson(answers) },
      exitCode: exitCodeOfAnswers(answers),
    };
  },
});

function cellsOf({ nodeName, value }: Happening<AuditView>): readonly Span[] {
  return [
    formatInstant(value.at),
    nodeName,
    orDash(value.caller),
    value.method,
    orDash(value.service),
    value.outcome === "OK" ? "OK" : { text: value.outcome, tone: "bad" },
    `${value.durationMs}ms`,
    value.peer,
  ];
}

function happeningJson({ nodeName, value }: Happening<AuditView>): JsonObject {
  return {
    node: nodeName,
    at: value.at?.toISOString() ?? null,
    caller: value.caller,
    method: value.method,
    service: value.service,
    outcome: value.outcome,
    duration_ms: value.durationMs,
    peer: value.peer,
  };
}
