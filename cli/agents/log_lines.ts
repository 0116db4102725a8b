/**
 * The lines in an agent's answer, whether it tells them in blocks or, as older ones do, one by one.
 *
 * Pure.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import type { LogBlock, StreamLogsResponse } from "../../proto/gen/mcp/v1/mcp_pb.ts";

/** A line, or how many were passed over. */
export interface LogLine {
  readonly component: string;
  readonly stderr: boolean;
  /** Nanoseconds since 1970. */
  readonly at: bigint;
  readonly text: string;
  /** 0 where it is a line. */
  readonly skipped: number;
}

/**
 * The lines of an answer, in its order.
 *
 * @throws {McpError} `internal` when it says when more, or fewer, lines were printed than it has.
 */
export function* logLinesOf(answer: StreamLogsResponse): Generator<LogLine> {
  for (const { component, stderr, text, skipped, timestamp } of answer.lines) {
    const { seconds = 0n, nanos = 0 } = timestamp ?? {};
    yield { component, stderr, text, skipped, at: seconds * 1_000_000_000n + BigInt(nanos) };
  }
  for (const block of answer.blocks) yield* linesOfBlock(block);
}

function* linesOfBlock({ component, stderr, text, at, skipped }: LogBlock): Generator<LogLine> {
  const texts = text.split("\n");
  if (texts.length !== at.length) {
    throw new McpError(
      "internal",
      `Cannot read the log: a block has ${texts.length} lines and ${at.length} instants`,
    );
  }
  for (let index = 0; index < texts.length; index++) {
    yield { component, stderr, text: texts[index] ?? "", skipped, at: at[index] ?? 0n };
  }
}
