/**
 * GetServiceStatus: look, then state, drift and recent events.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { requireName } from "../../lib/domain/names.ts";
import { isDrift } from "../../lib/domain/state.ts";
import { errorChain, McpError } from "../../lib/errors.ts";
import type {
  ServiceStatusRequest,
  ServiceStatusResponseSchema,
} from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { recentEvents } from "../registry/events.ts";
import { getService, listServices } from "../registry/services.ts";
import { eventToWire } from "./event_info.ts";
import type { Rooms } from "./rooms.ts";
import { servicesToWire, unseenServicesToWire } from "./service_info.ts";

const eventLimit = 20;

/**
 * The full picture of one service or of all.
 *
 * When the runtime cannot be asked the answer says so, and shows no state that
 * was not just seen: nothing that is unknown is drift.
 */
export async function getServiceStatus(
  { observer, registry }: Rooms,
  request: ServiceStatusRequest,
): Promise<MessageInitShape<typeof ServiceStatusResponseSchema>> {
  const name = request.name === "" ? undefined : request.name;
  let runtimeError = "";
  try {
    await observer.observe();
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    runtimeError = errorChain(error);
  }
  const services = name === undefined ? listServices(registry) : [requireService()];
  const seen = runtimeError === "";
  return {
    services: seen ? servicesToWire(services) : unseenServicesToWire(services),
    drift: services.flatMap(({ components }) => components)
      .filter(({ desired, observed }) => seen && isDrift(desired, observed))
      .map((component) => ({
        service: component.service,
        component: component.spec.name,
        desiredState: component.desired,
        observedState: component.observed,
      })),
    recentEvents: recentEvents(registry, { service: name, limit: eventLimit }).map(eventToWire),
    runtimeError,
  };

  function requireService() {
    const service = getService(registry, name ?? "");
    if (service !== undefined) return service;
    // A container that was found may be called what no service could; others are told the rule.
    requireName("service", name ?? "");
    throw new McpError("not_found", `There is no service "${name}" on this node`, {
      hint: "Run `mcp list` for those there are",
    });
  }
}
