/**
 * LiveCheck: look at the runtime, then tell what is there.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LiveCheckResponseSchema } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { listServices } from "../registry/services.ts";
import type { Rooms } from "./rooms.ts";
import { servicesToWire } from "./service_info.ts";

/**
 * All services, with the states just seen.
 *
 * @throws {McpError} `unavailable` when the runtime cannot be asked.
 */
export async function liveCheck(
  { observer, registry }: Rooms,
): Promise<MessageInitShape<typeof LiveCheckResponseSchema>> {
  await observer.observe();
  return { services: servicesToWire(listServices(registry)) };
}
