/**
 * GetServiceStatus: look, then state, drift and recent events.
 *
 * @module
 */

import { requireName } from "../../../lib/domain/names.ts";
import type { FieldDifference } from "../../../lib/domain/spec_difference.ts";
import { isDrift } from "../../../lib/domain/state.ts";
import { errorChain, McpError } from "../../../lib/errors.ts";
import type { Look } from "../../watch/reconcile/observe.ts";
import { unexpectedContainers } from "../../watch/reconcile/unexpected.ts";
import { recentEvents } from "../../registry/events.ts";
import {
  type ComponentRecord,
  effectiveState,
  getService,
  jobOf,
  listServices,
} from "../../registry/services.ts";
import type { Request, Response } from "./call.ts";
import { eventToWire } from "./events.ts";
import { noSuchService } from "./known_service.ts";
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
  { observer, registry, fieldDrifts, pushedFiles }: Rooms,
  request: Request<"getServiceStatus">,
): Promise<Response<"getServiceStatus">> {
  const name = request.name === "" ? undefined : request.name;
  let look: Look | undefined;
  let runtimeError = "";
  try {
    // Anew: a look that is under way may have listed the containers before what was just done.
    look = await observer.observeAnew();
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    runtimeError = errorChain(error);
  }
  const fields = look === undefined ? new Map() : await fieldDrifts.find(look, name);
  const changedFiles = await pushedFiles.changed(name);
  const services = name === undefined ? listServices(registry) : [requireService()];
  const seen = look !== undefined;
  return {
    services: seen ? servicesToWire(services) : unseenServicesToWire(services),
    drift: services.flatMap(({ components }) => components)
      .map((component) => driftOf(component, fields))
      .filter(({ isAsWanted, fields }) => seen && (!isAsWanted || fields.length > 0))
      .map(({ isAsWanted: _, ...drift }) => drift),
    recentEvents: recentEvents(registry, { service: name, limit: eventLimit }).map(eventToWire),
    runtimeError,
    findings: [
      ...(look === undefined ? [] : strangers(look)),
      ...changedFiles.map(({ service, path, text }) => ({
        service,
        kind: "file",
        name: path,
        text,
      })),
    ],
  };

  function strangers({ listing }: Look) {
    const known = listServices(registry).flatMap(({ components }) => components)
      .map(({ service, spec, container, desired }) => ({
        service,
        component: spec.name,
        container,
        desired,
      }));
    return unexpectedContainers(known, listing)
      .filter(({ service }) => name === undefined || service === name)
      .map(({ service, container }) => ({
        service,
        kind: "container",
        name: container,
        text: "not declared by anybody",
      }));
  }

  function requireService() {
    const service = getService(registry, name ?? "");
    if (service !== undefined) return service;
    // A container that was found may be called what no service could; others are told the rule.
    requireName("service", name ?? "");
    throw noSuchService(name ?? "");
  }
}

/** A component beside what is wanted of it, and its container beside what it was deployed as. */
function driftOf(
  component: ComponentRecord,
  fields: ReadonlyMap<string, readonly FieldDifference[]>,
) {
  const { service, spec, desired } = component;
  const observed = effectiveState(component);
  return {
    service,
    component: spec.name,
    desiredState: desired,
    observedState: observed,
    isAsWanted: !isDrift(desired, observed, jobOf(component)),
    fields: (fields.get(`${service}/${spec.name}`) ?? []).map(({ field, before, after }) => ({
      field,
      deployed: after,
      declared: before,
    })),
  };
}
