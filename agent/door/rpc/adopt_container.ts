/**
 * AdoptContainer: gives containers that MCP did not make to a service.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { requireName } from "../../../lib/domain/names.ts";
import type { AdoptRequest, AdoptResponseSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { AuthenticatedCall } from "./call.ts";
import type { Rooms } from "./rooms.ts";

/** One result per container that the name matches. */
export async function adoptContainer(
  { adoption }: Rooms,
  request: AdoptRequest,
  { caller }: AuthenticatedCall,
): Promise<MessageInitShape<typeof AdoptResponseSchema>> {
  const outcomes = await adoption.adopt(requireName("service", request.service), {
    dryRun: request.dryRun,
    actor: caller.subject,
  });
  return {
    results: outcomes.map(({ container, component, error, unexpressed }) => ({
      container,
      component,
      success: error === "",
      error,
      unexpressed: [...unexpressed],
    })),
  };
}
