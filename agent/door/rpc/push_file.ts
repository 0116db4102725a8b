/**
 * PushFile: one file into a service's folder.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PushFileRequest, PushFileResponseSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { requireServicePath } from "../../change/service_files/resolve.ts";
import { requireKnownService } from "./known_service.ts";
import type { Rooms } from "./rooms.ts";

/** Writes the file, whole or not at all; what is refused is refused with a status. */
export async function pushFile(
  { registry, pushedFiles }: Rooms,
  request: PushFileRequest,
): Promise<MessageInitShape<typeof PushFileResponseSchema>> {
  const path = requireServicePath(request.service, request.path);
  requireKnownService(registry, request.service);
  await pushedFiles.push(path, { content: request.content, mode: request.mode });
  return { success: true };
}
