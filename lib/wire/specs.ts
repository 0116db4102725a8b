/**
 * Service and component specs between the domain and protobuf.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ComponentSpec as WireComponentSpec,
  ComponentSpecSchema,
  HealthCheck as WireHealthCheck,
  HealthCheckSchema,
  ServiceSpec as WireServiceSpec,
  ServiceSpecSchema,
} from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { defaultOf, type FieldName, fieldNames, rowOf } from "../domain/component_fields.ts";
import { type ComponentSpec, restartWhenUnwritten } from "../domain/component_spec.ts";
import { formatComplaint } from "../domain/complaint.ts";
import { type HealthCheck, healthCheckDefaults, type Probe } from "../domain/health_check.ts";
import { defaultSecretMode, defaultSecretTarget } from "../domain/secret_mount.ts";
import { complaintsAbout, type ServiceSpec } from "../domain/service_spec.ts";
import { McpError } from "../errors.ts";

/** A spec as it is sent. */
export function specToWire(spec: ServiceSpec): MessageInitShape<typeof ServiceSpecSchema> {
  return {
    name: spec.name,
    active: spec.active,
    components: spec.components.map(componentToWire),
  };
}

/** On the wire a field has its own name: one without a line in `mcp.proto` is a mistake of types. */
const wireFields: readonly (keyof WireComponentSpec & FieldName)[] = fieldNames;

function componentToWire(spec: ComponentSpec): MessageInitShape<typeof ComponentSpecSchema> {
  const { healthcheck } = spec;
  const said = wireFields.map((field) => [field, copyOf(spec[field])])
    .filter(([_, value]) => value !== undefined);
  return {
    ...Object.fromEntries(said),
    ...(healthcheck === undefined ? {} : { healthcheck: healthCheckToWire(healthcheck) }),
  };
}

/** Of its own, as the messages of protobuf want theirs. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  return typeof value === "object" ? { ...value } : value;
}

function healthCheckToWire(
  { probe, ...rest }: HealthCheck,
): MessageInitShape<typeof HealthCheckSchema> {
  switch (probe.kind) {
    case "exec":
      return { ...rest, probe: probe.kind, command: [...probe.command] };
    case "tcp":
      return { ...rest, probe: probe.kind, port: probe.port };
    default:
      return { ...rest, probe: probe.kind, port: probe.port, path: probe.path };
  }
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
  const fields = wireFields.map((field) => {
    const value = wire[field];
    // An empty word is one that nobody wrote; one that is none of ours is for the domain's rules.
    const isUnwritten = rowOf(field).type === "choice" && value === "";
    return [field, isUnwritten ? defaultOf(field) : copyOf(value)];
  });
  const spec = Object.fromEntries(fields) as unknown as ComponentSpec;
  return {
    ...spec,
    restart: wire.restart === "" ? restartWhenUnwritten(spec.kind) : wire.restart,
    secrets: wire.secrets.map(({ name, target, mode, uid, gid }) => ({
      name,
      target: target === "" ? defaultSecretTarget(name) : target,
      mode: mode === 0 ? defaultSecretMode : mode,
      uid,
      gid,
    })),
    healthcheck: wire.healthcheck && healthCheckFromWire(wire.healthcheck),
  };
}

function healthCheckFromWire(wire: WireHealthCheck): HealthCheck {
  const { intervalMs, timeoutMs, retries, startPeriodMs } = healthCheckDefaults;
  return {
    probe: probeFromWire(wire),
    intervalMs: wire.intervalMs || intervalMs,
    timeoutMs: wire.timeoutMs || timeoutMs,
    retries: wire.retries || retries,
    startPeriodMs: wire.startPeriodMs ?? startPeriodMs,
  };
}

function probeFromWire({ probe, port, path, command }: WireHealthCheck): Probe {
  switch (probe) {
    case "exec":
      return { kind: probe, command: [...command] };
    case "tcp":
      return { kind: probe, port };
    default:
      return { kind: probe as "http", port, path };
  }
}
