/**
 * What the operator asks for of one container, and which asks make no sense.
 *
 * Every text that ends up in podman's argv passes a rule here first: none may
 * begin with "-", hold a control character, or mean something else to podman
 * than it says. Only `cmd` is free: it stands behind the image, where podman
 * reads nothing any more. The rules are the same on the workstation and on the
 * node.
 *
 * @module
 */

import type { Complaint } from "./complaint.ts";
import { parseImage } from "./image.ts";
import { isIpAddress } from "./ip_address.ts";
import { isName, nameRule } from "./names.ts";

/** One container of a service, fully defaulted. */
export interface ComponentSpec {
  readonly name: string;
  readonly image: string;
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
}

/** What `restart` means when it is not written. */
export const defaultRestart = "unless-stopped";

const networkPattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;
const userPattern = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63}(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63})?$/;
const restartPattern = /^(no|always|unless-stopped|on-failure(:[0-9]{1,4})?)$/;
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
export interface VolumeMapping {
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

/**
 * Everything about one component that can never work.
 *
 * @param path Where the component stands in its document, e.g. `["components", 0]`.
 */
export function complaintsAboutComponent(
  spec: ComponentSpec,
  path: readonly (string | number)[],
): Complaint[] {
  const complaints: Complaint[] = [];
  const check = (
    ok: boolean,
    key: readonly (string | number)[],
    expected: string,
    text: string,
  ) => {
    if (!ok) {
      const found = text === "" ? "nothing" : JSON.stringify(text);
      complaints.push({ path: [...path, ...key], expected, found });
    }
  };
  check(isName(spec.name), ["name"], `a component name (${nameRule})`, spec.name);
  check(
    parseImage(spec.image) !== undefined,
    ["image"],
    'an image reference like "registry.example/name:tag"',
    spec.image,
  );
  check(
    spec.network === "" || networkPattern.test(spec.network),
    ["network"],
    "a network name",
    spec.network,
  );
  check(
    spec.user === "" || userPattern.test(spec.user),
    ["user"],
    '"user" or "user:group"',
    spec.user,
  );
  check(
    restartPattern.test(spec.restart),
    ["restart"],
    '"no", "on-failure", "on-failure:N", "always" or "unless-stopped"',
    spec.restart,
  );
  spec.ports.forEach((text, at) =>
    check(
      parsePort(text) !== undefined,
      ["ports", at],
      '"host:container" with an optional address before and "/tcp" or "/udp" after',
      text,
    )
  );
  spec.volumes.forEach((text, at) =>
    check(
      parseVolume(text) !== undefined,
      ["volumes", at],
      '"source:target" with absolute paths (the source may be a volume name) and options like ":ro"',
      text,
    )
  );
  spec.cmd.forEach((text, at) =>
    check(!text.includes("\0"), ["cmd", at], "an argument without NUL", text)
  );
  return complaints;
}
