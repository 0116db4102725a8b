/**
 * One way to write a value, of the several that mean the same.
 *
 * @module
 */

import { normalize } from "node:path/posix";
import { parsePort, parseVolume } from "./mappings.ts";
import { formatMemory, parseMemory } from "./memory_size.ts";

/** Names of what a runtime chooses by itself. */
const defaultNetworks = ["default", "private", "slirp4netns", "pasta"];

/** The name of a network; empty = what a runtime chooses by itself. */
export function canonicalNetwork(network: string): string {
  if (defaultNetworks.includes(network)) return "";
  // The network that the mode "bridge" means.
  return network === "bridge" ? "podman" : network;
}

/** Without the address and the protocol that are meant anyway. */
export function canonicalPort(text: string): string {
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

/** Options in one order, without those that are meant anyway. */
export function canonicalVolume(text: string): string {
  const volume = parseVolume(text);
  if (volume === undefined) return text;
  const options = distinct(volume.options.filter((option) => option !== "rw")).sort();
  return [volume.source, volume.target, ...(options.length === 0 ? [] : [options.join(",")])]
    .join(":");
}

/** In the largest unit that leaves no rest. */
export function canonicalMemory(text: string): string {
  const bytes = parseMemory(text);
  return bytes === undefined ? text : formatMemory(bytes);
}

/** What a file system in memory is mounted with unless the opposite is said. */
const tmpfsDefaults = ["rw", "nosuid", "nodev", "exec"];

/** Options in one order, without those that are meant anyway. */
export function canonicalTmpfs(text: string): string {
  const [target = "", options = ""] = text.split(":");
  const chosen = distinct(options.split(","))
    .filter((option) => option !== "" && !tmpfsDefaults.includes(option)).sort();
  return chosen.length === 0 ? target : `${target}:${chosen.join(",")}`;
}

/** Without the place and the rights that are meant anyway. */
export function canonicalDevice(text: string): string {
  const [source = "", ...rest] = text.split(":");
  const target = rest.find((part) => part.startsWith("/")) ?? source;
  const access = [...(rest.find((part) => !part.startsWith("/")) ?? "rwm")].sort().join("");
  return `${source}${target === source ? "" : `:${target}`}${access === "mrw" ? "" : `:${access}`}`;
}

/** Without ".", ".." and slashes that say nothing. */
export function canonicalPath(path: string): string {
  return path === "" ? "" : normalize(path).replace(/(?<=.)\/$/, "");
}

/** A capability without "CAP_", in capitals. */
export function capabilityName(text: string): string {
  return text.toUpperCase().replace(/^CAP_/, "");
}

/** Each value once. */
export function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
