/**
 * Services, drift and events as nodes report them: decoded once, at the door.
 *
 * @module
 */

import {
  type DesiredState,
  desiredStates,
  type ObservedState,
  observedStates,
} from "../../lib/domain/state.ts";
import type {
  ComponentInfo,
  DriftInfo,
  EventInfo,
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
}

/** A component whose observed state is not its desired one. */
export interface DriftView {
  readonly service: string;
  readonly component: string;
  readonly desired: DesiredState;
  readonly observed: ObservedState;
}

/** One observed transition. */
export interface EventView {
  readonly service: string;
  readonly component: string;
  readonly previous: ObservedState;
  readonly next: ObservedState;
  readonly at: Date | undefined;
  /** Empty = not known. */
  readonly cause: string;
}

/** A service as it was received. */
export function serviceView(info: ServiceInfo): ServiceView {
  return { name: info.name, active: info.active, components: info.components.map(componentView) };
}

/** A drift as it was received. */
export function driftView(info: DriftInfo): DriftView {
  return {
    service: info.service,
    component: info.component,
    desired: desiredState(info.desiredState),
    observed: observedState(info.observedState),
  };
}

/** A transition as it was received. */
export function eventView(info: EventInfo): EventView {
  return {
    service: info.service,
    component: info.component,
    previous: observedState(info.prevState),
    next: observedState(info.newState),
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
  };
}

/** A word that this CLI does not know comes from a newer agent, and is as good as unknown. */
function observedState(word: string): ObservedState {
  return observedStates.find((state) => state === word) ?? "unknown";
}

/** Likewise; a component that is left alone is never reported as drift. */
function desiredState(word: string): DesiredState {
  return desiredStates.find((state) => state === word) ?? "ignore";
}

/**
 * The timestamp as a date. Protobuf's own conversion is not used, because
 * importing it would double what `mcp --version` takes to start.
 */
function instant(
  timestamp: { readonly seconds: bigint; readonly nanos: number } | undefined,
): Date | undefined {
  if (timestamp === undefined) return undefined;
  return new Date(Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / 1_000_000));
}
