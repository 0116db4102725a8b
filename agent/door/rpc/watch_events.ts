/**
 * WatchEvents: transitions as they are recorded, oldest first, until the caller goes away.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { McpError } from "../../../lib/errors.ts";
import type {
  WatchEventsRequest,
  WatchEventsResponseSchema,
} from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { eventsAfter, lastEventId } from "../../registry/events.ts";
import { eventToWire } from "./event_info.ts";
import type { AuthenticatedCall } from "./call.ts";
import { pageStart } from "./page.ts";
import type { Rooms } from "./rooms.ts";
import { unlessOver } from "./until_over.ts";

/** Rows read at once: a caller that was away for long does not fill the agent's memory. */
const batch = 200;

/** Sends what there is, then waits for more. */
export async function watchEvents(
  { registry, stopping }: Rooms,
  request: WatchEventsRequest,
  call: AuthenticatedCall,
  send: (message: MessageInitShape<typeof WatchEventsResponseSchema>) => Promise<void>,
): Promise<void> {
  const since = pageStart(request.since);
  const service = request.service === "" ? undefined : request.service;
  const end = AbortSignal.any([call.signal, stopping]);
  let last = lastEventId(registry, since);
  while (!end.aborted) {
    // Asked for before reading, so that nothing recorded in between is waited for in vain.
    const changed = registry.changed();
    const events = eventsAfter(registry, last, { service, limit: batch });
    for (const event of events) {
      if (end.aborted) break;
      // A reader that does not read keeps nobody from stopping.
      await unlessOver(send({ event: eventToWire(event) }), end);
      last = event.id;
    }
    if (events.length < batch) await unlessOver(changed, end);
  }
  if (!call.signal.aborted) throw new McpError("unavailable", "The agent is stopping");
}
