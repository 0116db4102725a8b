/**
 * Published ports in the forms that Compose and podman share.
 *
 * @module
 */

import { isIP } from "node:net";
import { parsePort } from "../../lib/domain/mappings.ts";
import type { Draft } from "./draft.ts";
import type { Origin } from "./findings.ts";

/** More ports than this in one range are no list that a person wants in a definition. */
const maxRange = 256;

/** Nor are as many in all. */
const maxPorts = 512;

/** The ports below this only root may listen on, unless the node says otherwise. */
const firstFreePort = 1024;

/** A mapping, apart; ports may be ranges. */
interface Published {
  readonly ip: string;
  /** Empty = whichever is free. */
  readonly host: string;
  readonly container: string;
  readonly protocol: string;
}

/** "[ip:][host:]container[/protocol]", or undefined when it is none. */
export function parsePublished(text: string): Published | undefined {
  const match =
    /^(?:(?:(?<ip>\[[0-9a-fA-F:.]+\]|[0-9a-fA-F:]+:[0-9a-fA-F:]*|[0-9.]*):)?(?<host>[0-9-]*):)?(?<container>[0-9-]+)(?:\/(?<protocol>[a-zA-Z]+))?$/
      .exec(text);
  if (match === null) return undefined;
  const { ip = "", host = "", container = "", protocol = "" } = match.groups ?? {};
  return { ip, host, container, protocol };
}

/** Adds what is published to the component. */
export function publish(
  draft: Draft,
  { ip, host, container, protocol }: Published,
  origin: Origin,
) {
  const target = rangeOf(container);
  const wanted = host === "" ? undefined : rangeOf(host);
  if (target === undefined || (host !== "" && wanted === undefined)) {
    return draft.mistake(origin, "expected a port from 1 to 65535, or a range of them");
  }
  if (wanted === undefined) {
    return draft.leftOut(
      origin,
      `port ${container} is published on whichever port is free`,
      `Choose one and write it into \`ports\`, e.g. "${target.first}:${target.first}"`,
    );
  }
  const count = target.last - target.first + 1;
  const offered = wanted.last - wanted.first + 1;
  if (count > maxRange) {
    return draft.leftOut(
      origin,
      `${count} ports are more than a definition should list`,
      'Publish those that are needed, or write `network = "host"`',
    );
  }
  if (offered !== count) {
    if (count !== 1) return draft.mistake(origin, "its two ranges are not of one length");
    draft.changed(origin, `of the ports ${host} the first one is taken`);
  }
  if (draft.spec.ports.length + count > maxPorts) {
    return draft.leftOut(origin, `more than ${maxPorts} ports of one component`);
  }
  const address = ip === "" ? "" : `${isIP(ip) === 6 ? `[${ip}]` : ip}:`;
  const kind = protocol.toLowerCase();
  const suffix = kind === "" || kind === "tcp" ? "" : `/${kind}`;
  for (let at = 0; at < count; at++) {
    const text = `${address}${wanted.first + at}:${target.first + at}${suffix}`;
    if (parsePort(text) === undefined) {
      return draft.leftOut(origin, `${JSON.stringify(text)} is no port that can be published`);
    }
    // What is written twice is published once.
    if (!draft.spec.ports.includes(text)) draft.push("ports", text, origin);
  }
  if (wanted.first < firstFreePort) {
    draft.needs(
      origin,
      `port ${wanted.first} of the node may be opened by root only`,
      `Let the node's users have it (sysctl net.ipv4.ip_unprivileged_port_start=${wanted.first}), or publish a port from ${firstFreePort} on`,
    );
  }
}

function rangeOf(text: string): { readonly first: number; readonly last: number } | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first >= 1 && last <= 65_535 && first <= last ? { first, last } : undefined;
}
