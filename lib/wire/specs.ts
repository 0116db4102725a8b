/**
 * Service and component specs between the domain and protobuf.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ComponentSpec as WireComponentSpec,
  ServiceSpec as WireServiceSpec,
  ServiceSpecSchema,
} from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { type ComponentSpec, defaultRestart } from "../domain/component_spec.ts";
import { formatComplaint } from "../domain/complaint.ts";
import { complaintsAbout, type ServiceSpec } from "../domain/service_spec.ts";
import { McpError } from "../errors.ts";

/** A spec as it is sent. */
export function specToWire(spec: ServiceSpec): MessageInitShape<typeof ServiceSpecSchema> {
  return {
    name: spec.name,
    active: spec.active,
    components: spec.components.map((component) => ({
      ...component,
      ports: [...component.ports],
      volumes: [...component.volumes],
      cmd: [...component.cmd],
    })),
  };
}

/** A received spec, without asking whether it makes sense. */
export function specFromWire(wire: WireServiceSpec): ServiceSpec {
  return {
    name: wire.name,
    active: wire.active,
    components: wire.components.map(componentFromWire),
  };
}

/**
 * A received spec that makes sense.
 *
 * @throws {McpError} `invalid`, one detail per mistake.
 */
export function requireSpec(wire: WireServiceSpec | undefined): ServiceSpec {
  if (wire === undefined) throw new McpError("invalid", "The request has no service");
  const spec = specFromWire(wire);
  const complaints = complaintsAbout(spec);
  if (complaints.length > 0) {
    throw new McpError("invalid", `Cannot use the spec of service ${JSON.stringify(spec.name)}`, {
      details: complaints.map(formatComplaint),
    });
  }
  return spec;
}

function componentFromWire(wire: WireComponentSpec): ComponentSpec {
  return {
    name: wire.name,
    image: wire.image,
    network: wire.network,
    user: wire.user,
    restart: wire.restart === "" ? defaultRestart : wire.restart,
    ports: [...wire.ports],
    volumes: [...wire.volumes],
    cmd: [...wire.cmd],
  };
}
