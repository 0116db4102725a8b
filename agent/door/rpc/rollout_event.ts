/**
 * Steps of a rollout as they are sent.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { RollOutResponseSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { Operation } from "../../change/rollout/operations.ts";
import { outcomesToWire } from "./outcomes.ts";

/** Sends an operation's events from its first on, until it has ended or the caller has left. */
export async function sendOperation(
  operation: Operation,
  signal: AbortSignal,
  send: (message: MessageInitShape<typeof RollOutResponseSchema>) => Promise<void>,
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
