/**
 * AttachRollOut: the steps of a rollout from its first, then those that are still taken.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AttachRollOutRequest,
  RollOutResponseSchema,
} from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { AuthenticatedCall } from "./call.ts";
import { sendOperation } from "./rollout_event.ts";
import type { Rooms } from "./rooms.ts";

/** Watches, and disturbs nothing. */
export async function attachRollOut(
  { operations }: Rooms,
  request: AttachRollOutRequest,
  { signal }: AuthenticatedCall,
  send: (message: MessageInitShape<typeof RollOutResponseSchema>) => Promise<void>,
): Promise<void> {
  const operation = await operations.find(request.operationId, request.service);
  await sendOperation(operation, signal, send);
}
