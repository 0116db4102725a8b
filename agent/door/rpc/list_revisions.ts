/**
 * ListRevisions: what was deployed of a service, newest first.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { requireName } from "../../../lib/domain/names.ts";
import type {
  ListRevisionsRequest,
  ListRevisionsResponseSchema,
} from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { listRevisions as readRevisions } from "../../registry/history.ts";
import { requireHistory, revisionToWire } from "./revision_info.ts";
import type { Rooms } from "./rooms.ts";

const usual = 20;
const most = 1_000;

/** The revisions that the registry remembers, also of a service that was removed. */
export async function listRevisions(
  { registry, images }: Rooms,
  request: ListRevisionsRequest,
): Promise<MessageInitShape<typeof ListRevisionsResponseSchema>> {
  const service = requireName("service", request.service);
  const limit = request.limit === 0 ? usual : Math.min(request.limit, most);
  const revisions = readRevisions(registry, service, limit);
  if (revisions.length === 0) requireHistory(registry, service);
  const kept = await images.kept();
  return { revisions: revisions.map((revision) => revisionToWire(revision, kept)) };
}
