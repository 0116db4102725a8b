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
import {
  componentDefaults,
  type ComponentSpec,
  type HostNamespace,
  restartWhenUnwritten,
} from "../domain/component_spec.ts";
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

function componentToWire(spec: ComponentSpec): MessageInitShape<typeof ComponentSpecSchema> {
  const { healthcheck, stopTimeoutMs, ...rest } = spec;
  return {
    ...rest,
    ports: [...spec.ports],
    volumes: [...spec.volumes],
    cmd: [...spec.cmd],
    entrypoint: [...spec.entrypoint],
    env: { ...spec.env },
    labels: { ...spec.labels },
    ulimits: { ...spec.ulimits },
    secrets: spec.secrets.map((secret) => ({ ...secret })),
    capAdd: [...spec.capAdd],
    capDrop: [...spec.capDrop],
    tmpfs: [...spec.tmpfs],
    devices: [...spec.devices],
    dependsOn: [...spec.dependsOn],
    hostNamespaces: [...spec.hostNamespaces],
    ...(stopTimeoutMs === undefined ? {} : { stopTimeoutMs }),
    ...(healthcheck === undefined ? {} : { healthcheck: healthCheckToWire(healthcheck) }),
  };
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
  // Words that are none of ours are complained about by the domain's rules.
  const kind = (wire.kind || "service") as ComponentSpec["kind"];
  return {
    name: wire.name,
    image: wire.image,
    kind,
    network: wire.network,
    user: wire.user,
    restart: wire.restart === "" ? restartWhenUnwritten(kind) : wire.restart,
    ports: [...wire.ports],
    volumes: [...wire.volumes],
    cmd: [...wire.cmd],
    entrypoint: [...wire.entrypoint],
    env: { ...wire.env },
    secrets: wire.secrets.map(({ name, target, mode, uid, gid }) => ({
      name,
      target: target === "" ? defaultSecretTarget(name) : target,
      mode: mode === 0 ? defaultSecretMode : mode,
      uid,
      gid,
    })),
    workdir: wire.workdir,
    hostname: wire.hostname,
    labels: { ...wire.labels },
    healthcheck: wire.healthcheck === undefined ? undefined : healthCheckFromWire(wire.healthcheck),
    memory: wire.memory,
    cpus: wire.cpus,
    pids: wire.pids,
    ulimits: { ...wire.ulimits },
    capAdd: [...wire.capAdd],
    capDrop: [...wire.capDrop],
    readOnly: wire.readOnly,
    tmpfs: [...wire.tmpfs],
    devices: [...wire.devices],
    dependsOn: [...wire.dependsOn],
    stopSignal: wire.stopSignal,
    stopTimeoutMs: wire.stopTimeoutMs,
    pull: (wire.pull || componentDefaults.pull) as ComponentSpec["pull"],
    privileged: wire.privileged,
    hostNamespaces: wire.hostNamespaces as HostNamespace[],
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
