/**
 * ListEvents: observed transitions, newest first.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ListEventsRequest,
  ListEventsResponseSchema,
} from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { recentEvents } from "../../registry/events.ts";
import { eventToWire } from "./event_info.ts";
import { pageSize, pageStart } from "./page.ts";
import type { Rooms } from "./rooms.ts";

/** The events that the registry remembers. */
// deno-lint-ignore require-await -- an RPC that happens to need no waiting
export async function listEvents(
  { registry }: Rooms,
  request: ListEventsRequest,
): Promise<MessageInitShape<typeof ListEventsResponseSchema>> {
  const events = recentEvents(registry, {
    service: request.service === "" ? undefined : request.service,
    since: pageStart(request.since),
    limit: pageSize(request.limit),
  });
  return { events: events.map(eventToWire) };
}
