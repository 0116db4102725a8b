/**
 * One way to write what a component asks for, of the several that mean the same.
 *
 * Two specs that ask for the same compare as equal afterwards, whoever wrote them: an operator, or
 * a runtime that tells what it has made. What an image brings is not known here.
 *
 * @module
 */

import { normalize } from "node:path/posix";
import { type ComponentSpec, parsePort, parseVolume } from "./component_spec.ts";
import { formatMemory, parseMemory } from "./memory_size.ts";
import type { SecretMount } from "./secret_mount.ts";
import { signalName } from "./signals.ts";

/**
 * The spec, written in the one way.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { canonicalSpec } from "./canonical_spec.ts";
 * import { componentDefaults } from "./component_spec.ts";
 *
 * const web = { ...componentDefaults, name: "web", image: "registry.example/web:v1" };
 * deepStrictEqual(
 *   canonicalSpec({ ...web, memory: "1024m", stopSignal: "QUIT" }),
 *   canonicalSpec({ ...web, memory: "1g", stopSignal: "SIGQUIT" }),
 * );
 * ```
 */
export function canonicalSpec(spec: ComponentSpec): ComponentSpec {
  return {
    ...spec,
    network: canonicalNetwork(spec.network),
    user: spec.user.replaceAll(/(^|:)root(?=:|$)/g, "$10"),
    restart: spec.restart.replace(/^on-failure:0+$/, "on-failure"),
    // Where there is no network of its own, nothing is published.
    ports: withoutPorts.includes(spec.network) ? [] : distinct(spec.ports.map(canonicalPort)),
    volumes: distinct(spec.volumes.map(canonicalVolume)),
    secrets: [...spec.secrets].sort(byName),
    workdir: spec.workdir === "" ? "" : withoutSlash(normalize(spec.workdir)),
    memory: canonicalMemory(spec.memory),
    // A runtime counts in hundred-thousandths of a core.
    cpus: Math.floor(spec.cpus * 100_000 + 1e-6) / 100_000,
    ulimits: Object.fromEntries(
      Object.entries(spec.ulimits).map(([name, value]) => [
        name,
        value.includes(":") ? value : `${value}:${value}`,
      ]),
    ),
    capAdd: distinct(spec.capAdd),
    capDrop: distinct(spec.capDrop),
    tmpfs: distinct(spec.tmpfs.map(canonicalTmpfs)),
    devices: distinct(spec.devices.map(canonicalDevice)),
    stopSignal: spec.stopSignal === "" ? "" : signalName(spec.stopSignal),
    // A runtime takes whole seconds.
    stopTimeoutMs: spec.stopTimeoutMs === undefined
      ? undefined
      : Math.ceil(spec.stopTimeoutMs / 1000) * 1000,
    hostNamespaces: distinct(spec.hostNamespaces),
  };
}

/** Modes in which a port of the container is the node's, or nobody's. */
const withoutPorts = ["host", "none"];

/** Names of what a runtime chooses by itself. */
const defaultNetworks = ["default", "private", "slirp4netns", "pasta"];

function canonicalNetwork(network: string): string {
  if (defaultNetworks.includes(network)) return "";
  // The network that the mode "bridge" means.
  return network === "bridge" ? "podman" : network;
}

function canonicalPort(text: string): string {
  const port = parsePort(text);
  if (port === undefined) return text;
  const ip = canonicalAddress(port.ip);
  const protocol = port.protocol === "tcp" ? "" : `/${port.protocol}`;
  return `${ip}${ip === "" ? "" : ":"}${port.hostPort}:${port.containerPort}${protocol}`;
}

function canonicalAddress(ip: string): string {
  if (ip === "0.0.0.0") return "";
  return ip.startsWith("[") ? new URL(`http://${ip}`).hostname : ip;
}

function canonicalVolume(text: string): string {
  const volume = parseVolume(text);
  if (volume === undefined) return text;
  const options = distinct(volume.options.filter((option) => option !== "rw")).sort();
  return [volume.source, volume.target, ...(options.length === 0 ? [] : [options.join(",")])]
    .join(":");
}

function canonicalMemory(text: string): string {
  const bytes = parseMemory(text);
  return bytes === undefined ? text : formatMemory(bytes);
}

/** What a file system in memory is mounted with unless the opposite is said. */
const tmpfsDefaults = ["rw", "nosuid", "nodev", "exec"];

function canonicalTmpfs(text: string): string {
  const [target = "", options = ""] = text.split(":");
  const chosen = distinct(options.split(","))
    .filter((option) => option !== "" && !tmpfsDefaults.includes(option)).sort();
  return chosen.length === 0 ? target : `${target}:${chosen.join(",")}`;
}

function canonicalDevice(text: string): string {
  const [source = "", ...rest] = text.split(":");
  const target = rest.find((part) => part.startsWith("/")) ?? source;
  const access = [...(rest.find((part) => !part.startsWith("/")) ?? "rwm")].sort().join("");
  return `${source}${target === source ? "" : `:${target}`}${access === "mrw" ? "" : `:${access}`}`;
}

function withoutSlash(path: string): string {
  return path === "/" ? path : path.replace(/\/$/, "");
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

function byName(one: SecretMount, other: SecretMount): number {
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}
