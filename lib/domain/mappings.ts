/**
 * Published ports and mounts, taken apart.
 *
 * @module
 */

import { isIpAddress } from "./ip_address.ts";

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
