/**
 * Decides what one look at the runtime means for the registry.
 *
 * Pure: equal inputs, equal answer; looking twice without a change finds no transition.
 *
 * @module
 */

import type { Transition } from "../../../lib/domain/event.ts";
import { formatExit } from "../../../lib/domain/exit_status.ts";
import {
  type DesiredState,
  observedFromPodman,
  type ObservedState,
} from "../../../lib/domain/state.ts";
import type { ContainerStatus } from "../../runtime/runtime.ts";
import { type ComponentName, labelledComponent, originalOf } from "./ownership.ts";

/** What the registry knows of a component before the look. */
export interface KnownComponent extends ComponentName {
  readonly container: string;
  readonly desired: DesiredState;
  readonly observed: ObservedState;
  /** When it was last looked at, and when its container had been started by then. */
  readonly observedAt: Date | undefined;
  readonly startedAt: Date | undefined;
}

/** A container's process began or ended, as the runtime's events tell it. */
export interface ProcessEvent {
  readonly container: string;
  readonly at: Date;
  /** How it ended; undefined = it began. */
  readonly exitCode: number | undefined;
}

/** What is known about the containers besides the listing. */
export interface Hints {
  /** What was told since the last look and happened before this one, in any order. */
  readonly told: readonly ProcessEvent[];
  /** Containers that the kernel killed for want of memory. */
  readonly oomKilled: ReadonlySet<string>;
  /** Containers that are listed as running and have no process any more. */
  readonly vanished: ReadonlySet<string>;
}

const noHints: Hints = { told: [], oomKilled: new Set(), vanished: new Set() };

/** What a component was seen as. */
interface Observation extends ComponentName {
  readonly observed: ObservedState;
  readonly startedAt: Date | undefined;
  readonly exitCode: number | undefined;
}

/** Whether a component is not as it was remembered; when it was last looked at is no news. */
export function isNews(
  known:
    | (Pick<KnownComponent, "observed" | "startedAt"> & { readonly exitCode: number | undefined })
    | undefined,
  seen: Observation,
): boolean {
  return known?.observed !== seen.observed || known.exitCode !== seen.exitCode ||
    known.startedAt?.getTime() !== seen.startedAt?.getTime();
}

/** A container nobody told the registry of; it becomes a component with desired state `ignore`. */
interface Discovery extends ComponentName {
  readonly container: string;
  readonly image: string;
  readonly observed: ObservedState;
  readonly startedAt: Date | undefined;
  readonly exitCode: number | undefined;
}

/** Everything one look means. */
export interface Reconciliation {
  /** One per known component, in the order they were given. */
  readonly observations: readonly Observation[];
  readonly discoveries: readonly Discovery[];
  readonly transitions: readonly Transition[];
}

/**
 * Compares what is known with what the runtime lists.
 *
 * The listing is the truth about what is; the hints tell what happened in between: a container
 * that crashed and was restarted before anybody looked has still changed state. A container that
 * was set aside by a rollout is part of that rollout, not a discovery.
 *
 * @param now When the listing was taken; the time of its transitions.
 */
export function reconcile(
  known: readonly KnownComponent[],
  listing: readonly ContainerStatus[],
  now: Date,
  hints: Hints = noHints,
): Reconciliation {
  const byName = new Map(listing.map((container) => [container.name, container]));
  const claimed = new Set(known.map((component) => component.container));
  const toldOf = Map.groupBy(hints.told, ({ container }) => container);
  const observations: Observation[] = [];
  const transitions: Transition[] = [];
  for (const component of known) {
    const container = byName.get(component.container);
    const status = hints.vanished.has(component.container) ? "exited" : container?.status;
    const observed = status === undefined
      ? "removed"
      : observedFromPodman(status, component.desired);
    const exitCode = observed === "exited" ? container?.exitCode : undefined;
    observations.push({
      service: component.service,
      component: component.component,
      observed,
      startedAt: observed === "running" ? container?.startedAt : undefined,
      exitCode,
    });
    const told = toldOf.get(component.container) ?? [];
    transitions.push(...transitionsOf(component, container, observed, now, { ...hints, told }));
  }
  const discoveries = listing
    .filter(({ name }) => {
      const successor = originalOf(name);
      return !claimed.has(name) && (successor === undefined || !claimed.has(successor));
    })
    .map((container): Discovery => {
      const observed = observedFromPodman(container.status, "ignore");
      return {
        ...(labelledComponent(container) ?? { service: container.name, component: container.name }),
        container: container.name,
        image: container.image,
        observed,
        startedAt: observed === "running" ? container.startedAt : undefined,
        exitCode: observed === "exited" ? container.exitCode : undefined,
      };
    });
  return { observations, discoveries, transitions };
}

/**
 * What happened to one component between two looks, oldest first; empty when nothing did.
 *
 * @param hints.told Of its own container only.
 */
function transitionsOf(
  component: KnownComponent,
  container: ContainerStatus | undefined,
  observed: ObservedState,
  now: Date,
  hints: Hints,
): Transition[] {
  const transitions: Transition[] = [];
  let state = component.observed;
  const become = (next: ObservedState, at: Date, cause: string) => {
    const { service, component: name } = component;
    transitions.push({ service, component: name, previous: state, next, at, cause, actor: "" });
    state = next;
  };
  const again = () => transitions.length > 0 ? "started again" : "";
  const dead = observedFromPodman("exited", component.desired);
  const wasOomKilled = hints.oomKilled.has(component.container);
  const told = hints.told
    // What was told late was seen already.
    .filter(({ at }) => at.getTime() > (component.observedAt?.getTime() ?? -Infinity))
    .sort((a, b) => a.at.getTime() - b.at.getTime());
  for (const { at, exitCode } of told) {
    // What does not run cannot die, and what runs is not started: that was seen by a look already.
    if (exitCode === undefined && state !== "running") become("running", at, again());
    if (exitCode !== undefined && state === "running") {
      become(dead, at, formatExit(exitCode, false));
    }
  }
  if (transitions.length === 0 && wasRestarted(component, container, observed)) {
    become(dead, now, "restarted by podman");
  }
  if (observed !== state) {
    const cause = observed === "running"
      ? again()
      : hints.vanished.has(component.container)
      ? "vanished"
      : observed === "exited" && container?.exitCode !== undefined
      ? formatExit(container.exitCode, wasOomKilled)
      : "";
    become(observed, now, cause);
  }
  const last = transitions.at(-1);
  // The events do not tell what the kernel did; the container itself does.
  if (wasOomKilled && last?.next === observed && observed === "exited") {
    transitions.splice(-1, 1, { ...last, cause: formatExit(container?.exitCode ?? 137, true) });
  }
  return transitions;
}

/**
 * Whether a container that ran before and runs now is not the same run.
 *
 * podman lists the start in whole seconds; two starts within one second are told by events only.
 */
function wasRestarted(
  component: KnownComponent,
  container: ContainerStatus | undefined,
  observed: ObservedState,
): boolean {
  if (component.observed !== "running" || observed !== "running") return false;
  if (component.startedAt === undefined || container?.startedAt === undefined) return false;
  const seconds = (at: Date) => Math.floor(at.getTime() / 1000);
  return seconds(container.startedAt) > seconds(component.startedAt);
}
