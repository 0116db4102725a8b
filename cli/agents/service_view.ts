/**
 * Services, drift, events and calls as nodes report them: decoded once, at the door.
 *
 * @module
 */

import {
  type DesiredState,
  desiredStates,
  type EventState,
  eventStates,
  type ObservedState,
  observedStates,
} from "../../lib/domain/state.ts";
import type {
  AuditEntry,
  ComponentInfo,
  DriftInfo,
  EventInfo,
  ServiceFinding,
  ServiceInfo,
} from "../../proto/gen/mcp/v1/mcp_pb.ts";

/** A service on one node. */
export interface ServiceView {
  readonly name: string;
  readonly active: boolean;
  readonly components: readonly ComponentView[];
}

/** A component on one node. */
export interface ComponentView {
  readonly name: string;
  readonly image: string;
  /** Empty when the image reference implies none. */
  readonly version: string;
  /** Name of the container at the runtime. */
  readonly container: string;
  readonly desired: DesiredState;
  readonly observed: ObservedState;
  /** What was seen at `observedAt`, where `observed` is "unknown" now. */
  readonly lastObserved: ObservedState | undefined;
  /** Undefined: never. */
  readonly observedAt: Date | undefined;
  /** Undefined when it is not running. */
  readonly startedAt: Date | undefined;
  /** Of a container that is "exited". */
  readonly exitCode: number | undefined;
  /** Since when `observed` has been what it is; undefined: not known. */
  readonly stateSince: Date | undefined;
  /** The revision that the container was made by; undefined: not by a deploy. */
  readonly revision: number | undefined;
  /** "sha256:…" of the image that the container was made from; empty = not known. */
  readonly imageDigest: string;
  /** The image reference means another image by now, as far as the node has pulled it. */
  readonly tagMoved: boolean;
  /** Of a job: how it ended, if it did; undefined: it is a service. */
  readonly job?: { readonly exitCode: number | undefined } | undefined;
}

/** A component whose observed state is not its desired one, or whose container is not as deployed. */
export interface DriftView {
  readonly service: string;
  readonly component: string;
  readonly desired: DesiredState;
  readonly observed: EventState;
  /** As {@link ComponentView.job}. */
  readonly job?: { readonly exitCode: number | undefined } | undefined;
  /** What differs from the spec that was deployed. */
  readonly fields: readonly FieldView[];
}

/** One field of a container that is not as it was deployed. */
export interface FieldView {
  /** As a definition calls it; "unexpressed" = what none can say. */
  readonly field: string;
  /** Empty = it is not there. */
  readonly found: string;
  readonly deployed: string;
}

/** Something beside the components that is not as MCP left it. */
export interface FindingView {
  readonly service: string;
  readonly kind: "container" | "file" | "other";
  /** Of the container, or the file's path in the service's folder. */
  readonly name: string;
  readonly text: string;
}

/** One observed transition. */
export interface EventView {
  /** Grows with every event of the node; undefined: the agent does not number them. */
  readonly id: bigint | undefined;
  readonly service: string;
  readonly component: string;
  readonly previous: EventState;
  readonly next: EventState;
  readonly at: Date | undefined;
  /** Empty = not known. */
  readonly cause: string;
}

/** One call, answered or refused. */
export interface AuditView {
  readonly method: string;
  /** Empty = nobody known. */
  readonly caller: string;
  readonly peer: string;
  /** Empty = the whole node. */
  readonly service: string;
  /** "OK", or the name of the status it was refused with. */
  readonly outcome: string;
  readonly at: Date | undefined;
  readonly durationMs: number;
}

/** A service as it was received. */
export function serviceView(info: ServiceInfo): ServiceView {
  return { name: info.name, active: info.active, components: info.components.map(componentView) };
}

/**
 * A drift as it was received.
 *
 * @param services Those that came with it.
 */
export function driftView(info: DriftInfo, services: readonly ServiceView[]): DriftView {
  const component = services.find(({ name }) => name === info.service)?.components
    .find(({ name }) => name === info.component);
  return {
    job: component?.job,
    service: info.service,
    component: info.component,
    desired: desiredState(info.desiredState),
    observed: eventState(info.observedState),
    fields: info.fields.map(({ field, deployed, declared }) => ({
      field,
      found: deployed,
      deployed: declared,
    })),
  };
}

/** A finding as it was received. */
export function findingView({ service, kind, name, text }: ServiceFinding): FindingView {
  return { service, kind: kind === "container" || kind === "file" ? kind : "other", name, text };
}

/** A transition as it was received. */
export function eventView(info: EventInfo): EventView {
  return {
    id: info.id === 0n ? undefined : info.id,
    service: info.service,
    component: info.component,
    previous: eventState(info.prevState),
    next: eventState(info.newState),
    at: instant(info.timestamp),
    cause: info.cause,
  };
}

function componentView(info: ComponentInfo): ComponentView {
  const observed = observedState(info.observedState);
  return {
    name: info.name,
    image: info.image,
    version: info.version,
    container: info.container,
    desired: desiredState(info.desiredState),
    observed,
    lastObserved: observed === "unknown" && info.lastObservedState !== ""
      ? observedState(info.lastObservedState)
      : undefined,
    observedAt: instant(info.observedAt),
    startedAt: instant(info.started),
    exitCode: info.exitCode,
    stateSince: instant(info.stateSince),
    revision: info.revision === 0 ? undefined : info.revision,
    imageDigest: info.imageDigest,
    tagMoved: info.tagMoved,
    job: info.kind === "job" ? { exitCode: info.exitCode } : undefined,
  };
}

/** A word that this CLI does not know comes from a newer agent, and is as good as unknown. */
function observedState(word: string): ObservedState {
  return observedStates.find((state) => state === word) ?? "unknown";
}

/** Likewise, of an event or a drift. */
function eventState(word: string): EventState {
  return eventStates.find((state) => state === word) ?? "unknown";
}

/** Likewise; a component that is left alone is never reported as drift. */
function desiredState(word: string): DesiredState {
  return desiredStates.find((state) => state === word) ?? "ignore";
}

/** A call as it was received. */
export function auditView(entry: AuditEntry): AuditView {
  return {
    method: entry.method,
    caller: entry.caller,
    peer: entry.peer,
    service: entry.service,
    outcome: entry.outcome,
    at: instant(entry.timestamp),
    durationMs: entry.durationMs,
  };
}

/**
 * The timestamp as a date. Protobuf's own conversion is not used, because
 * importing it would double what `mcp --version` takes to start.
 */
export function instant(
  timestamp: { readonly seconds: bigint; readonly nanos: number } | undefined,
): Date | undefined {
  if (timestamp === undefined) return undefined;
  return new Date(Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / 1_000_000));
}
