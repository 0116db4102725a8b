/**
 * Outcomes of a rollout as they are sent.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ComponentResultSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { ComponentOutcome } from "../../change/rollout/execute.ts";

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
