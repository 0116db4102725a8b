/**
 * PullFile: one file out of a service's folder.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PullFileRequest, PullFileResponseSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { requireServicePath } from "../../change/service_files/resolve.ts";
import { requireKnownService } from "./known_service.ts";
import type { Rooms } from "./rooms.ts";

/** Reads the file; what is refused is refused with a status. */
export async function pullFile(
  { registry, pushedFiles }: Rooms,
  request: PullFileRequest,
): Promise<MessageInitShape<typeof PullFileResponseSchema>> {
  const path = requireServicePath(request.service, request.path);
  requireKnownService(registry, request.service);
  return await pushedFiles.pull(path);
}
