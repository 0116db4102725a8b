/**
 * Lines of logs in blocks: what follows each other of one output travels as one text.
 *
 * A message for each line would be most of what a log costs: without a JIT, writing one takes longer than
 * reading the line from podman and putting it in order.
 *
 * Pure.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LogBlockSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { ToldLine } from "../../watch/logs/logs.ts";

/** The lines in their order, in as few blocks as that allows. */
export function blocksOf(lines: readonly ToldLine[]): MessageInitShape<typeof LogBlockSchema>[] {
  const blocks: MessageInitShape<typeof LogBlockSchema>[] = [];
  for (let from = 0; from < lines.length;) {
    const first = lines[from];
    if (first === undefined) break;
    const { component } = first;
    if ("skipped" in first) {
      blocks.push({ component, at: [first.at], skipped: first.skipped });
      from++;
      continue;
    }
    const stderr = first.isStderr;
    const at: bigint[] = [];
    const texts: string[] = [];
    for (; from < lines.length; from++) {
      const line = lines[from];
      if (line === undefined || "skipped" in line) break;
      if (line.isStderr !== stderr || line.component !== component) break;
      at.push(line.at);
      texts.push(line.text);
    }
    blocks.push({ component, stderr, at, text: texts.join("\n") });
  }
  return blocks;
}
