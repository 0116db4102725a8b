/**
 * Devices of the node in a container.
 *
 * @module
 */

import type { Draft } from "./draft.ts";
import type { Origin } from "./findings.ts";

/** Adds "device[:in the container[:rwm]]". */
export function pushDevice(draft: Draft, text: string, origin: Origin): void {
  if (!text.startsWith("/")) {
    return draft.leftOut(
      origin,
      `the device ${JSON.stringify(text)}, which a driver would find`,
      'Name it as the node does, e.g. "/dev/dri/renderD128"',
    );
  }
  const [device = "", ...rest] = text.split(":");
  // The same name inside need not be said.
  const inside = rest[0] === device ? rest.slice(1) : rest;
  draft.push("devices", [device, ...inside].join(":"), origin);
}
