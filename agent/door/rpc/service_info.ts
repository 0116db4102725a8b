/**
 * The registry's services as they are sent.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ComponentInfoSchema, ServiceInfoSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { ComponentRecord, ServiceRecord } from "../../registry/services.ts";

/**
 * Services with the states that were last seen.
 *
 * @param hasMoved Whether a component's image reference means another image by now.
 */
export function servicesToWire(
  services: readonly ServiceRecord[],
  hasMoved: (component: ComponentRecord) => boolean = () => false,
): MessageInitShape<typeof ServiceInfoSchema>[] {
  return services.map((service) => ({
    name: service.name,
    active: service.active,
    components: service.components.map((component) => ({
      ...componentToWire(component),
      tagMoved: hasMoved(component),
    })),
  }));
}

/**
 * Services whose states cannot be seen now: "unknown", with what was last seen
 * beside it, so that a stale state is never taken for a fresh one.
 */
export function unseenServicesToWire(
  services: readonly ServiceRecord[],
): MessageInitShape<typeof ServiceInfoSchema>[] {
  return services.map((service) => ({
    name: service.name,
    active: service.active,
    components: service.components.map((component) => {
      const { started: _, stateSince: __, ...info } = componentToWire(component);
      return { ...info, observedState: "unknown", lastObservedState: component.observed };
    }),
  }));
}

function componentToWire(component: ComponentRecord): MessageInitShape<typeof ComponentInfoSchema> {
  const { startedAt, observedAt, stateSince, exitCode } = component;
  return {
    name: component.spec.name,
    image: component.deployment?.spec.image ?? component.spec.image,
    desiredState: component.desired,
    observedState: component.observed,
    version: component.version,
    container: component.container,
    revision: component.deployment?.revision ?? 0,
    imageDigest: component.deployment?.imageDigest ?? "",
    kind: (component.deployment?.spec ?? component.spec).kind,
    // Only what runs can be well.
    health: component.observed === "running" ? component.health : "",
    lastProbe: component.observed === "running" ? component.lastProbe : "",
    ...(startedAt === undefined ? {} : { started: timestampFromDate(startedAt) }),
    ...(observedAt === undefined ? {} : { observedAt: timestampFromDate(observedAt) }),
    ...(stateSince === undefined ? {} : { stateSince: timestampFromDate(stateSince) }),
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}
