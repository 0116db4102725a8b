/**
 * Recorded transitions as they are sent.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { EventInfoSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { RecordedEvent } from "../../registry/events.ts";

/** One transition. */
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
