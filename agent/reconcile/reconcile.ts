/**
 * Decides what one look at the runtime means for the registry.
 *
 * Pure: equal inputs, equal answer; looking twice without a change finds no transition.
 *
 * @module
 */

import type { Transition } from "../../lib/domain/event.ts";
import {
  type DesiredState,
  observedFromPodman,
  type ObservedState,
} from "../../lib/domain/state.ts";
import type { ContainerStatus } from "../runtime/runtime.ts";
import { asideOf, type ComponentName, labelledComponent } from "./ownership.ts";

/** What the registry knows of a component before the look. */
export interface KnownComponent extends ComponentName {
  readonly container: string;
  readonly desired: DesiredState;
  readonly observed: ObservedState;
}

/** What a component was seen as. */
export interface Observation extends ComponentName {
  readonly observed: ObservedState;
  readonly startedAt: Date | undefined;
  readonly exitCode: number | undefined;
}

/** A container nobody told the registry of; it becomes a component with desired state `ignore`. */
export interface Discovery extends ComponentName {
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
 * A container that was set aside by a rollout is part of that rollout, not a discovery.
 *
 * @param now When the listing was taken; the time of its transitions.
 */
export function reconcile(
  known: readonly KnownComponent[],
  listing: readonly ContainerStatus[],
  now: Date,
): Reconciliation {
  const byName = new Map(listing.map((container) => [container.name, container]));
  const claimed = new Set(known.map((component) => component.container));
  const observations: Observation[] = [];
  const transitions: Transition[] = [];
  for (const component of known) {
    const container = byName.get(component.container);
    const observed = container === undefined
      ? "removed"
      : observedFromPodman(container.status, component.desired);
    const exitCode = observed === "exited" ? container?.exitCode : undefined;
    observations.push({
      service: component.service,
      component: component.component,
      observed,
      startedAt: observed === "running" ? container?.startedAt : undefined,
      exitCode,
    });
    if (observed !== component.observed) {
      transitions.push({
        service: component.service,
        component: component.component,
        previous: component.observed,
        next: observed,
        at: now,
        cause: exitCode === undefined ? "" : `exit code ${exitCode}`,
      });
    }
  }
  const discoveries = listing
    .filter(({ name }) => {
      const successor = asideOf(name);
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
