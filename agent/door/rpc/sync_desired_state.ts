/**
 * SyncDesiredState: the operator's intent for the whole node; deploys and starts nothing.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { McpError } from "../../../lib/errors.ts";
import { requireSpec } from "../../../lib/wire/specs.ts";
import type { SyncRequest, SyncResponseSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { AuthenticatedCall } from "./call.ts";
import type { Rooms } from "./rooms.ts";

/** All specs are checked before the first is taken. */
export async function syncDesiredState(
  { synchronization }: Rooms,
  request: SyncRequest,
  { caller }: AuthenticatedCall,
): Promise<MessageInitShape<typeof SyncResponseSchema>> {
  const specs = request.services.map(requireSpec);
  const names = specs.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new McpError("invalid", `Cannot sync: the service "${twice}" is in it twice`);
  }
  const outcomes = await synchronization.sync(specs, caller);
  return {
    results: outcomes.map(({ service, ...outcome }) => ({ name: service, ...outcome })),
  };
}
