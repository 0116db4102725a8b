/**
 * ListServices: the registry as it stands; the runtime is not asked.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ListServicesResponseSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { listServices as readServices } from "../../registry/services.ts";
import type { Rooms } from "./rooms.ts";
import { servicesToWire } from "./service_info.ts";

/** All services, with the states that were last seen and when that was. */
// deno-lint-ignore require-await -- an RPC that happens to need no waiting
export async function listServices(
  { registry }: Rooms,
): Promise<MessageInitShape<typeof ListServicesResponseSchema>> {
  return { services: servicesToWire(readServices(registry)) };
}
