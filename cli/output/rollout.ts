/**
 * The steps of a rollout: as lines, as objects, and as a picture that changes.
 *
 * @module
 */

import type { RollOutResponse } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import type { JsonObject } from "./json.ts";
import type { Label } from "./progress.ts";
import { resultJson, verdictWord } from "./results.ts";
import type { Line } from "./screen_text.ts";

/** One plain line; none for the many little ones of a pull. */
export function stepLine(
  service: string,
  { kind, component, text, revision, result }: RollOutResponse,
): Line | undefined {
  const subject = component === "" ? service : `${service}/${component}`;
  switch (kind) {
    case "progress":
      return undefined;
    case "begun":
      return [`${subject}: revision ${revision}`];
    case "component_ended":
      return [`${subject}: ${result === undefined ? text : verdictWord(result)}`];
    default:
      return [`${subject}: ${text}`];
  }
}

/** The event as `--json` prints it. */
export function stepJson(event: RollOutResponse): JsonObject {
  const { timestamp, component, text, revision, result } = event;
  return {
    kind: event.kind,
    operation_id: event.operationId,
    sequence: Number(event.sequence),
    at: timestamp === undefined
      ? null
      : new Date(Number(timestamp.seconds) * 1000 + timestamp.nanos / 1_000_000).toISOString(),
    component: component === "" ? null : component,
    text,
    revision: revision === 0 ? null : revision,
    result: result === undefined ? null : resultJson(result),
  };
}

/** Where each component stands. */
export class RolloutPicture {
  readonly #service: string;
  readonly #components = new Map<string, { text: string; since: Date | undefined }>();
  readonly #beganAt: Date;
  #hasBegun = false;

  /** @param components Those that are known to be part of it. */
  constructor(service: string, components: readonly string[], now: Date) {
    this.#service = service;
    this.#beganAt = now;
    for (const name of components) this.#components.set(name, { text: "waiting", since: now });
  }

  take({ kind, component, text, result }: RollOutResponse, now: Date): void {
    this.#hasBegun = true;
    if (component === "") return;
    if (kind === "component_ended") {
      const word = result === undefined ? text : verdictWord(result);
      this.#components.set(component, { text: word, since: undefined });
      return;
    }
    const known = this.#components.get(component);
    // The time is that of the step, whatever is told on the way.
    const since = kind === "step" || known === undefined ? now : known.since;
    this.#components.set(component, { text, since });
  }

  /** The same of all components. */
  say(text: string, now: Date): void {
    for (const name of this.#components.keys()) this.#components.set(name, { text, since: now });
  }

  /** One line per component. */
  labels(): Label[] {
    if (!this.#hasBegun && this.#components.size === 0) {
      return [{ text: this.#service, since: this.#beganAt }];
    }
    const name = (component: string) => `${this.#service}/${component}`;
    const width = Math.max(...[...this.#components.keys()].map((each) => name(each).length));
    return [...this.#components].map(([component, { text, since }]) => ({
      text: `${name(component).padEnd(width)}  ${text}`,
      since,
    }));
  }
}
