/**
 * What the operator asks for of one container; what makes no sense is told by
 * `component_complaints.ts`.
 *
 * @module
 */

import type { HealthCheck } from "./health_check.ts";
import { isIpAddress } from "./ip_address.ts";
import type { SecretMount } from "./secret_mount.ts";

/** One container of a service, fully defaulted. */
export interface ComponentSpec {
  readonly name: string;
  readonly image: string;
  /** A service stays up; a job runs to its end, and has succeeded with exit code 0. */
  readonly kind: "service" | "job";
  /** Network name or mode; empty = the runtime's default. */
  readonly network: string;
  /** "user[:group]", numbers or names known to the image; empty = the image's own. */
  readonly user: string;
  /** "no", "on-failure[:n]", "always" or "unless-stopped". */
  readonly restart: string;
  /** "[ip:]host:container[/protocol]". */
  readonly ports: readonly string[];
  /** "source:target[:options]". */
  readonly volumes: readonly string[];
  /** Arguments after the image name; empty = the image's own command. */
  readonly cmd: readonly string[];
  /** The program and its first arguments; empty = the image's own. */
  readonly entrypoint: readonly string[];
  /** Variables of the container's processes. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly SecretMount[];
  /** Where its process begins; empty = where the image says. */
  readonly workdir: string;
  /** Empty = the container's own id. */
  readonly hostname: string;
  /** Beside those that MCP gives every container. */
  readonly labels: Readonly<Record<string, string>>;
  readonly healthcheck: HealthCheck | undefined;
  /** At most so much memory, e.g. "512m"; empty = no limit. */
  readonly memory: string;
  /** At most so many cores, e.g. 1.5; 0 = no limit. */
  readonly cpus: number;
  /** At most so many processes and threads; 0 = the runtime's default. */
  readonly pids: number;
  /** "soft[:hard]" by name, e.g. `nofile` → "1024:2048". */
  readonly ulimits: Readonly<Record<string, string>>;
  /** Capabilities without "CAP_", e.g. "NET_BIND_SERVICE"; "ALL" may be dropped. */
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  /** Whether the image's own files cannot be changed. */
  readonly readOnly: boolean;
  /** "path[:options]" in memory, e.g. "/tmp:size=64m". */
  readonly tmpfs: readonly string[];
  /** "device[:in the container[:rwm]]". */
  readonly devices: readonly string[];
  /** Components of the same service that must have proved themselves before. */
  readonly dependsOn: readonly string[];
  /** E.g. "SIGQUIT"; empty = the image's own. */
  readonly stopSignal: string;
  /** How long it may take to stop before it is killed; undefined = as the agent's config says. */
  readonly stopTimeoutMs: number | undefined;
  /** When the image is fetched: at each deploy, only when it is not on the node, or never. */
  readonly pull: "always" | "missing" | "never";
  /** Without most of what keeps a container apart. */
  readonly privileged: boolean;
  /** Namespaces of the node that it shares, besides `network = "host"`. */
  readonly hostNamespaces: readonly HostNamespace[];
}

/** A namespace that a container may share with its node. */
export type HostNamespace = "pid" | "ipc" | "uts";

/** What `restart` means when it is not written. */
const defaultRestart = "unless-stopped";

/** What is meant by what a component leaves out. */
export const componentDefaults: Omit<ComponentSpec, "name" | "image"> = {
  kind: "service",
  network: "",
  user: "",
  restart: defaultRestart,
  ports: [],
  volumes: [],
  cmd: [],
  entrypoint: [],
  env: {},
  secrets: [],
  workdir: "",
  hostname: "",
  labels: {},
  healthcheck: undefined,
  memory: "",
  cpus: 0,
  pids: 0,
  ulimits: {},
  capAdd: [],
  capDrop: [],
  readOnly: false,
  tmpfs: [],
  devices: [],
  dependsOn: [],
  stopSignal: "",
  stopTimeoutMs: undefined,
  pull: "always",
  privileged: false,
  hostNamespaces: [],
};

/** What `restart` means when it is not written: a job that has ended is not run again. */
export function restartWhenUnwritten(kind: ComponentSpec["kind"]): string {
  return kind === "job" ? "no" : defaultRestart;
}

const portPattern =
  /^(?:(?<ip>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]{2,39}\]):)?(?<host>\d{1,5}):(?<container>\d{1,5})(?:\/(?<protocol>tcp|udp|sctp))?$/;
const volumeNamePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;
const volumeOptions = new Set(["ro", "rw", "z", "Z", "U", "nosuid", "nodev", "noexec"]);
// deno-lint-ignore no-control-regex -- control characters are what is looked for
const controlCharacter = /[\u0000-\u001f\u007f]/;

/** A published port, apart. */
export interface PortMapping {
  /** Address of the node it listens on, in brackets where it is IPv6; empty = all. */
  readonly ip: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
}

/** The port mapping apart, or undefined when the text is none. */
export function parsePort(text: string): PortMapping | undefined {
  const groups = portPattern.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const hostPort = Number(groups["host"]);
  const containerPort = Number(groups["container"]);
  const ip = groups["ip"] ?? "";
  if (hostPort < 1 || hostPort > 65535 || containerPort < 1 || containerPort > 65535) {
    return undefined;
  }
  if (ip !== "" && !isIpAddress(ip.replace(/^\[|\]$/g, ""))) return undefined;
  const protocol = (groups["protocol"] ?? "tcp") as PortMapping["protocol"];
  return { ip, hostPort, containerPort, protocol };
}

/** A mount, apart. */
interface VolumeMapping {
  /** An absolute path on the node, or the name of a podman volume. */
  readonly source: string;
  /** An absolute path in the container. */
  readonly target: string;
  readonly options: readonly string[];
}

/** The mount apart, or undefined when the text is none. */
export function parseVolume(text: string): VolumeMapping | undefined {
  const [source = "", target = "", options, ...rest] = text.split(":");
  if (rest.length > 0 || !isPlainPath(target)) return undefined;
  if (!isPlainPath(source) && !volumeNamePattern.test(source)) return undefined;
  const list = options === undefined ? [] : options.split(",");
  if (!list.every((option) => volumeOptions.has(option))) return undefined;
  return { source, target, options: list };
}

/** Absolute, without "." and ".." and doubled slashes, without control characters. */
function isPlainPath(text: string): boolean {
  if (!text.startsWith("/") || text.length > 4096 || controlCharacter.test(text)) return false;
  return text === "/" ||
    text.slice(1).split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
