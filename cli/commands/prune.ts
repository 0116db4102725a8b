/**
 * `mcp prune` — removes images that nobody needs.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import type { PrunedImage } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { answered, askAll } from "../agents/fan_out.ts";
import { dryRunFlag, nodeArgument, timeoutOption } from "../command_line/arguments.ts";
import { command } from "../command.ts";
import { exitCodeOfAnswers, nextLines, nodesJson, nodesRows } from "../output/answers.ts";
import { formatBytes } from "../output/bytes.ts";
import { exitCodes } from "../output/exit_code.ts";
import type { JsonObject } from "../output/json.ts";
import type { Span } from "../output/screen_text.ts";

export const prune = command({
  path: ["prune"],
  summary: "Remove images that nobody needs",
  description:
    "Never one that any container was made from, that is declared or deployed, that was built on the node, or that is among the last good ones of a component, which mcp rollback goes back to (keep_revisions of the agent's config). Nothing but images is removed.",
  examples: [
    { line: "mcp prune --dry-run", effect: "what would be removed, on all nodes" },
    { line: "mcp prune rift", effect: "on one node" },
  ],
  parser: object({
    node: optional(nodeArgument()),
    dryRun: dryRunFlag("Show what would be removed and change nothing"),
    timeoutMs: timeoutOption(5 * 60_000),
  }),

  async run(context, { node: only, dryRun, timeoutMs }) {
    const nodes = await context.nodes(only);
    const answers = await askAll(
      context,
      nodes,
      async (agent, call) => (await agent.pruneImages({ dryRun }, call)).images,
      { timeoutMs },
    );
    const images = answered(answers).flatMap(({ value }) => value);
    const freed = bytesOf(images);
    const verb = dryRun ? "would free" : "freed";
    const reached = exitCodeOfAnswers(answers);
    const failed = images.some(({ error }) => error !== "");
    return {
      screen: [
        { columns: ["NODE", "IMAGE", "SIZE", ""], rows: nodesRows(answers, rowsOf) },
        answered(answers).length === 0
          ? []
          // Layers that images share are counted with each.
          : [[freed === 0 ? "Nothing to free" : `At most ${formatBytes(freed)} ${verb}`]],
        nextLines(answers),
      ],
      json: {
        dry_run: dryRun,
        bytes: freed,
        nodes: nodesJson(answers, (value) => ({ images: value.map(imageJson) })),
      },
      exitCode: reached === exitCodes.done && failed ? exitCodes.failed : reached,
    };
  },
});

function bytesOf(images: readonly PrunedImage[]): number {
  return images.filter(({ error }) => error === "")
    .reduce((sum, { bytes }) => sum + Number(bytes), 0);
}

function rowsOf(images: readonly PrunedImage[]): (readonly Span[])[] {
  if (images.length === 0) return [[{ text: "nothing to remove", tone: "faint" }]];
  return images.map(({ id, names, bytes, error }) => [
    names.length === 0 ? `${id.slice(0, 12)} (no name any more)` : names.join(", "),
    formatBytes(Number(bytes)),
    { text: error, tone: "bad" },
  ]);
}

function imageJson({ id, names, bytes, error }: PrunedImage): JsonObject {
  return { id, names: [...names], bytes: Number(bytes), error: error === "" ? null : error };
}
