/**
 * What a component may ask for only where the node's own config allows it: whatever could reach the
 * node itself, or what other services keep there.
 *
 * @module
 */

import type { ComponentSpec } from "./component_spec.ts";
import { parseVolume } from "./mappings.ts";

/** The keys of `[agent] allow`. */
export const privileges = [
  "privileged",
  "host_network",
  "host_namespaces",
  "host_mounts",
  "devices",
  "capabilities",
] as const;

/** One of {@link privileges}. */
export type Privilege = (typeof privileges)[number];

/** One thing that a component asks for. */
interface PrivilegeUse {
  readonly privilege: Privilege;
  /** As its definition says it, e.g. "volumes has /etc/ssl:/etc/ssl:ro". */
  readonly what: string;
}

/**
 * Capabilities that reach nothing beyond the container: those that runtimes give every container by
 * themselves, and two that only make it faster.
 */
const harmlessCapabilities: ReadonlySet<string> = new Set([
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "IPC_LOCK",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "NET_RAW",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
  "SYS_NICE",
]);

/**
 * Every dangerous part of a component, in the order of its definition.
 *
 * @param serviceRoot The folder that holds one folder per service; what lies in it may be mounted.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { componentDefaults } from "./component_spec.ts";
 * import { privilegesOf } from "./privileges.ts";
 *
 * const spec = { ...componentDefaults, name: "web", image: "a.example/web:v1", network: "host" };
 * deepStrictEqual(privilegesOf(spec, "/srv"), [
 *   { privilege: "host_network", what: 'network = "host"' },
 * ]);
 * ```
 */
export function privilegesOf(spec: ComponentSpec, serviceRoot: string): PrivilegeUse[] {
  const uses: PrivilegeUse[] = [];
  const add = (privilege: Privilege, what: string) => uses.push({ privilege, what });
  if (spec.network === "host") add("host_network", 'network = "host"');
  for (const volume of spec.volumes) {
    const source = parseVolume(volume)?.source ?? "";
    const isInside = source === serviceRoot || source.startsWith(`${serviceRoot}/`);
    if (source.startsWith("/") && !isInside) add("host_mounts", `volumes has ${volume}`);
  }
  for (const capability of spec.capAdd) {
    if (!harmlessCapabilities.has(capability)) add("capabilities", `cap_add has ${capability}`);
  }
  for (const device of spec.devices) add("devices", `devices has ${device}`);
  if (spec.privileged) add("privileged", "privileged = true");
  for (const namespace of spec.hostNamespaces) {
    add("host_namespaces", `host_namespaces has ${namespace}`);
  }
  return uses;
}
