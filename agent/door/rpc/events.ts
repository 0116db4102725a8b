/**
 * ListEvents and WatchEvents: observed transitions, those that were and those to come.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { McpError } from "../../../lib/errors.ts";
import type { EventInfoSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import {
  eventsAfter,
  lastEventId,
  recentEvents,
  type RecordedEvent,
} from "../../registry/events.ts";
import type { Answer, Send } from "./call.ts";
import { pageSize, pageStart } from "./page.ts";
import { unlessOver } from "./until_over.ts";

/** Rows read at once: a caller that was away for long does not fill the agent's memory. */
const batch = 200;

/** The events that the registry remembers, newest first. */
export const listEvents: Answer<"listEvents"> = ({ registry }, request) => {
  const events = recentEvents(registry, {
    service: request.service === "" ? undefined : request.service,
    since: pageStart(request.since),
    limit: pageSize(request.limit),
  });
  return { events: events.map(eventToWire) };
};

/** Sends what there is, oldest first, then waits for more until the caller goes away. */
export const watchEvents: Send<"watchEvents"> = async (
  { registry, stopping },
  request,
  call,
  send,
) => {
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
};

/** One transition as it is sent. */
export function eventToWire(event: RecordedEvent): MessageInitShape<typeof EventInfoSchema> {
  return {
    id: BigInt(event.id),
    service: event.service,
    component: event.component,
    prevState: event.previous,
    newState: event.next,
    timestamp: timestampFromDate(event.at),
    cause: event.cause,
  };
}
