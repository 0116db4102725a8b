/**
 * Services and their states, for people and for scripts.
 *
 * @module
 */

import { formatDuration } from "../../lib/domain/duration.ts";
import { isDrift } from "../../lib/domain/state.ts";
import type {
  ComponentView,
  DriftView,
  EventView,
  FieldView,
  FindingView,
  ServiceView,
} from "../agents/service_view.ts";
import type { JsonObject } from "./json.ts";
import type { Span } from "./screen_text.ts";

/** A service as `--json` prints it. */
export function serviceJson(service: ServiceView): JsonObject {
  return {
    name: service.name,
    active: service.active,
    components: service.components.map((component) => ({
      name: component.name,
      container: component.container,
      image: component.image,
      version: component.version,
      desired_state: component.desired,
      observed_state: component.observed,
      last_observed_state: component.lastObserved ?? null,
      observed_at: component.observedAt?.toISOString() ?? null,
      started_at: component.startedAt?.toISOString() ?? null,
      exit_code: component.exitCode ?? null,
      state_since: component.stateSince?.toISOString() ?? null,
      revision: component.revision ?? null,
      image_digest: component.imageDigest === "" ? null : component.imageDigest,
      tag_moved: component.tagMoved,
    })),
  };
}

/** A drift as `--json` prints it. */
export function driftJson(drift: DriftView): JsonObject {
  return {
    service: drift.service,
    component: drift.component,
    desired_state: drift.desired,
    observed_state: drift.observed,
    fields: drift.fields.map(({ field, found, deployed }) => ({ field, found, deployed })),
    next: driftNext(drift),
  };
}

/** A finding as `--json` prints it. */
export function findingJson(finding: FindingView): JsonObject {
  const { service, kind, name, text } = finding;
  return { service, kind, name, text, next: findingNext(finding)[0]?.command ?? null };
}

/** A transition as `--json` prints it. */
export function eventJson(event: EventView): JsonObject {
  return {
    id: event.id === undefined ? null : Number(event.id),
    service: event.service,
    component: event.component,
    previous_state: event.previous,
    next_state: event.next,
    at: event.at?.toISOString() ?? null,
    cause: event.cause,
  };
}

/**
 * The command that ends a drift.
 *
 * A container that is gone, or is not as it was deployed, is made again by a deploy, which also
 * pulls what changed; one that merely does not run is started.
 */
export function driftNext(
  { service, component, desired, observed, job }: Omit<DriftView, "fields">,
): string {
  if (!isDrift(desired, observed, job) || observed === "removed" && desired === "running") {
    return `mcp deploy ${service}/${component}`;
  }
  if (desired === "stopped") return `mcp stop ${service}`;
  return observed === "unhealthy" ? `mcp restart ${service}` : `mcp start ${service}`;
}

/** The commands that end a finding, with what each does. */
export function findingNext(
  { service, kind, name }: FindingView,
): readonly { readonly command: string; readonly effect: string }[] {
  if (kind === "container") {
    return [{ command: `mcp adopt ${service}`, effect: "makes it a component" }];
  }
  if (kind !== "file") return [];
  return [
    { command: `mcp pull ${service} ${name}`, effect: "fetches and accepts it" },
    { command: `mcp push FILE ${service} ${name}`, effect: "puts yours back" },
  ];
}

/** How much of a value is shown to people; `--json` has all of it. */
const shownValue = 60;

/** What differs in one field, e.g. `env.TZ is "UTC", deployed as "CET"`. */
export function formatField({ field, found, deployed }: FieldView): string {
  if (field === "unexpressed") return `has what no definition says: ${shorten(found)}`;
  const was = deployed === "" ? "deployed without" : `deployed as ${quote(deployed)}`;
  return `${field} is ${found === "" ? "not there" : quote(found)}, ${was}`;
}

function quote(text: string): string {
  return JSON.stringify(shorten(text));
}

function shorten(text: string): string {
  return text.length > shownValue ? `${text.slice(0, shownValue)}…` : text;
}

/** The observed state as a cell, e.g. `running`, `exited (137)`, `unknown (running 3m ago)`. */
export function observedSpan(component: ComponentView, now: Date): Span {
  const { desired, observed, lastObserved, observedAt, exitCode, job } = component;
  if (observed === "unknown") {
    const last = lastObserved === undefined || observedAt === undefined
      ? ""
      : ` (${lastObserved} ${formatAge(observedAt, now)} ago)`;
    return { text: `unknown${last}`, tone: "warn" };
  }
  const text = exitCode === undefined ? observed : `${observed} (${exitCode})`;
  if (isDrift(desired, observed, job)) return { text, tone: "bad" };
  return desired === "ignore" || observed !== "running"
    ? { text, tone: "faint" }
    : { text, tone: "good" };
}

/** The observed state with how long it has been so, e.g. `running 3h 5m`, `exited (137) 2m`. */
export function observedSinceSpan(component: ComponentView, now: Date): Span {
  const span = observedSpan(component, now);
  const { observed, stateSince } = component;
  if (stateSince === undefined || observed === "unknown" || typeof span === "string") return span;
  return { ...span, text: `${span.text} ${formatAge(stateSince, now)}` };
}

/** How long ago something was, e.g. "3m 12s"; clocks of two machines may differ by a little. */
export function formatAge(at: Date, now: Date): string {
  const ageMs = Math.max(0, now.getTime() - at.getTime());
  return ageMs < 1_000 ? "0s" : formatDuration(ageMs);
}

/** An instant, e.g. "2026-03-01 12:00:00Z": always UTC, because nodes need not share a zone. */
export function formatInstant(at: Date | undefined): string {
  return at === undefined ? "-" : `${at.toISOString().slice(0, 19).replace("T", " ")}Z`;
}

/** Text for a cell that would otherwise be empty. */
export function orDash(text: string): Span {
  return text === "" ? { text: "-", tone: "faint" } : text;
}
