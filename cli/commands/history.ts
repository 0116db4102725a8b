/**
 * `mcp history` — what was deployed of a service when, by whom, and how it ended.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { imageVersion } from "../../lib/domain/image.ts";
import type { RevisionComponent, RevisionInfo } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { revisionsOf } from "../agents/revisions.ts";
import { instant } from "../agents/service_view.ts";
import {
  limitOption,
  nodeOption,
  serviceArgument,
  timeoutOption,
} from "../command_line/arguments.ts";
import { command } from "../command.ts";
import { exitCodeOfAnswers, nextLines, nodesJson, nodesRows } from "../output/answers.ts";
import { shortDigest } from "../output/digest.ts";
import type { JsonObject } from "../output/json.ts";
import type { Span } from "../output/screen_text.ts";
import { formatInstant, orDash } from "../output/services.ts";

const defaultLimit = 20;

export const history = command({
  path: ["history"],
  summary: "Show what was deployed of a service, by whom, and how it ended",
  description:
    "Newest first, also of a service that was removed. An image that is kept is on the node, and no prune takes it: mcp rollback needs no image registry then. Instants are UTC.",
  examples: [
    { line: "mcp history metacrypt", effect: "the last 20 revisions" },
    { line: "mcp history metacrypt --limit 100 --json", effect: "more of them, for scripts" },
  ],
  parser: object({
    service: serviceArgument(),
    node: nodeOption("Only on this node"),
    limit: limitOption(defaultLimit),
    timeoutMs: timeoutOption(10_000),
  }),

  async run(context, { service, node, limit = defaultLimit, timeoutMs }) {
    const answers = await revisionsOf(context, service, { node, limit, timeoutMs });
    return {
      screen: [
        {
          columns: [
            "NODE",
            "REVISION",
            "WHEN",
            "BY",
            "OUTCOME",
            "COMPONENT",
            "IMAGE",
            "DIGEST",
            "",
          ],
          rows: nodesRows(answers, (revisions) => revisions.flatMap(rowsOf)),
        },
        nextLines(answers),
      ],
      json: {
        service,
        nodes: nodesJson(answers, (revisions) => ({ revisions: revisions.map(revisionJson) })),
      },
      exitCode: exitCodeOfAnswers(answers),
    };
  },
});

/** One row per component; what is said of the revision stands in the first. */
function rowsOf(revision: RevisionInfo): (readonly Span[])[] {
  const { number, actor, started, outcome, origin, components } = revision;
  const head: readonly Span[] = [
    String(number),
    formatInstant(instant(started)),
    origin === "deploy" ? actor : `${actor} (${origin})`,
    outcomeSpan(outcome),
  ];
  if (components.length === 0) return [[...head, orDash(""), orDash(""), orDash(""), ""]];
  return components.map((component, at) => [
    ...(at === 0 ? head : head.map(() => "")),
    component.name,
    imageVersion(component.image) || component.image,
    orDash(shortDigest(component.imageDigest)),
    noteSpan(component),
  ]);
}

function outcomeSpan(outcome: string): Span {
  if (outcome === "succeeded" || outcome === "kept") return { text: outcome, tone: "good" };
  return { text: outcome, tone: outcome === "running" ? "strong" : "bad" };
}

function noteSpan({ current, imageKept, outcome, error }: RevisionComponent): Span {
  if (current) return { text: "current", tone: "strong" };
  if (outcome !== "succeeded" && outcome !== "kept" && outcome !== "running") {
    return { text: error === "" ? outcome : error, tone: "bad" };
  }
  return imageKept ? "image kept" : { text: "", tone: "faint" };
}

function revisionJson(revision: RevisionInfo): JsonObject {
  return {
    number: revision.number,
    actor: revision.actor,
    started_at: instant(revision.started)?.toISOString() ?? null,
    finished_at: instant(revision.finished)?.toISOString() ?? null,
    outcome: revision.outcome,
    origin: revision.origin,
    components: revision.components.map((component) => ({
      name: component.name,
      image: component.image,
      image_digest: component.imageDigest === "" ? null : component.imageDigest,
      outcome: component.outcome,
      error: component.error,
      current: component.current,
      image_kept: component.imageKept,
    })),
  };
}
