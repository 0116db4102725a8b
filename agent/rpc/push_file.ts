/**
 * PushFile: one file into a service's folder.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PushFileRequest, PushFileResponseSchema } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { requireServicePath } from "../service_files/resolve.ts";
import { pushFile as write } from "../service_files/transfer.ts";
import { requireKnownService } from "./known_service.ts";
import type { Rooms } from "./rooms.ts";

/** Writes the file, whole or not at all; what is refused is refused with a status. */
export async function pushFile(
  { registry, files }: Rooms,
  request: PushFileRequest,
): Promise<MessageInitShape<typeof PushFileResponseSchema>> {
  const path = requireServicePath(request.service, request.path);
  requireKnownService(registry, request.service);
  await write(path, { content: request.content, mode: request.mode }, files);
  return { success: true };
}
