/**
 * ListAudit: who called what and how it ended, newest first.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type {
  ListAuditRequest,
  ListAuditResponseSchema,
} from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { recentAudit } from "../../registry/audit.ts";
import { pageSize, pageStart } from "./page.ts";
import type { Rooms } from "./rooms.ts";

/** The calls that the registry remembers; this one is not among them yet. */
// deno-lint-ignore require-await -- an RPC that happens to need no waiting
export async function listAudit(
  { registry, auditTrail }: Rooms,
  request: ListAuditRequest,
): Promise<MessageInitShape<typeof ListAuditResponseSchema>> {
  auditTrail.flush();
  const entries = recentAudit(registry, {
    since: pageStart(request.since),
    limit: pageSize(request.limit),
  });
  return {
    entries: entries.map((entry) => ({
      method: entry.method,
      caller: entry.caller,
      peer: entry.peer,
      service: entry.service,
      timestamp: timestampFromDate(entry.at),
      outcome: entry.outcome,
      durationMs: entry.durationMs,
    })),
  };
}
