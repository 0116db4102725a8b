/**
 * RemoveService: the containers and what is remembered of a service go; its data where that is asked.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { requireName } from "../../../lib/domain/names.ts";
import type {
  RemoveServiceRequest,
  RemoveServiceResponseSchema,
} from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { AuthenticatedCall } from "./call.ts";
import type { Rooms } from "./rooms.ts";

/** Removes a service, or tells what that would remove. */
export async function removeService(
  { removal }: Rooms,
  { name, purgeData, dryRun }: RemoveServiceRequest,
  { caller: actor }: AuthenticatedCall,
): Promise<MessageInitShape<typeof RemoveServiceResponseSchema>> {
  const service = requireName("service", name);
  const { outcomes, removed, kept } = await removal.remove({ service, purgeData, dryRun, actor });
  return {
    results: outcomes.map(({ component, error }) => ({
      name: component,
      success: error === "",
      error,
      summary: error === "" && !dryRun ? "removed" : "",
      verdict: error === "" ? "removed" : "failed",
    })),
    removed: [...removed],
    kept: [...kept],
  };
}
