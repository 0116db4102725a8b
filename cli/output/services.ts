/**
 * Services and their states, for people and for scripts.
 *
 * @module
 */

import { formatDuration } from "../../lib/domain/duration.ts";
import { isDrift } from "../../lib/domain/state.ts";
import type { ComponentView, DriftView, EventView, ServiceView } from "../agents/service_view.ts";
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
    next: driftNext(drift),
  };
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
 * A container that is gone is made again by a deploy, which also pulls what
 * changed; one that merely does not run is started.
 */
export function driftNext({ service, component, desired, observed }: DriftView): string {
  if (desired === "stopped") return `mcp stop ${service}`;
  return observed === "removed" ? `mcp deploy ${service}/${component}` : `mcp start ${service}`;
}

/** The observed state as a cell, e.g. `running`, `exited (137)`, `unknown (running 3m ago)`. */
export function observedSpan(component: ComponentView, now: Date): Span {
  const { desired, observed, lastObserved, observedAt, exitCode } = component;
  if (observed === "unknown") {
    const last = lastObserved === undefined || observedAt === undefined
      ? ""
      : ` (${lastObserved} ${formatAge(observedAt, now)} ago)`;
    return { text: `unknown${last}`, tone: "warn" };
  }
  const text = exitCode === undefined ? observed : `${observed} (${exitCode})`;
  if (isDrift(desired, observed)) return { text, tone: "bad" };
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
