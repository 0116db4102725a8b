/**
 * Rollouts as they are sent: their steps, and how each component ended.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ComponentResultSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { ComponentOutcome } from "../../change/rollout/execute.ts";
import type { Operation } from "../../change/rollout/operations.ts";
import type { Response } from "./call.ts";

/** One result per outcome, in their order. */
export function outcomesToWire(
  outcomes: readonly ComponentOutcome[],
): MessageInitShape<typeof ComponentResultSchema>[] {
  return outcomes.map((outcome) => ({
    name: outcome.component,
    success: outcome.success,
    error: outcome.error,
    summary: outcome.summary,
    logTail: [...outcome.logTail],
    verdict: outcome.verdict,
    ...(outcome.exitCode === undefined ? {} : { exitCode: outcome.exitCode }),
    oomKilled: outcome.oomKilled,
    restartCount: outcome.restartCount,
    lastProbe: outcome.lastProbe,
    putBack: outcome.putBack,
  }));
}

/** Sends an operation's events from its first on, until it has ended or the caller has left. */
export async function sendOperation(
  operation: Operation,
  signal: AbortSignal,
  send: (message: Response<"rollOut">) => Promise<void>,
): Promise<void> {
  await operation.follow(async (event) => {
    const { kind, sequence, at, component, text, revision } = event;
    const results = outcomesToWire(event.outcomes);
    const [result] = results;
    await send({
      operationId: operation.id,
      sequence: BigInt(sequence),
      timestamp: timestampFromDate(at),
      component,
      kind,
      text,
      revision,
      ...(kind === "component_ended" && result !== undefined ? { result } : {}),
      ...(kind === "ended" ? { results } : {}),
    });
  }, signal);
}
