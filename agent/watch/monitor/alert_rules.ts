/**
 * Decides which transitions deserve an alert.
 *
 * Pure: it is given what happened, what was alerted before, and the time.
 *
 * A component has one cooldown. Whatever was alerted, it is kept quiet about for
 * that long, with one exception: a component that was alerted as drifting and then
 * turns out to be flapping is alerted as flapping, once, because that is another
 * thing to know.
 *
 * @module
 */

import type { AlertKind } from "../../../lib/domain/alert.ts";
import type { Transition } from "../../../lib/domain/event.ts";
import { type DesiredState, type EventState, isDrift } from "../../../lib/domain/state.ts";

/** One alert to be sent. */
export interface Alert {
  readonly kind: AlertKind;
  readonly service: string;
  readonly component: string;
  readonly desired: DesiredState;
  readonly observed: EventState;
  readonly previous: EventState;
  /** Transitions within the flap window. */
  readonly transitions: number;
  /** Why, as far as it is known, e.g. "exit code 137". */
  readonly cause: string;
}

/** The last alert about a component. */
interface LastAlert {
  readonly kind: AlertKind;
  readonly at: Date;
}

/** One component with what just happened to it. */
export interface WatchedComponent {
  readonly service: string;
  readonly component: string;
  readonly desired: DesiredState;
  /** Its state at the end of the look. */
  readonly observed: EventState;
  /** Said of a job: how it ended, if it did. */
  readonly job?: { readonly exitCode: number | undefined } | undefined;
  /** What happened to it in this look, oldest first; never what MCP itself did. */
  readonly transitions: readonly Transition[];
  /** Transitions of any cause within the flap window, those of this look included. */
  readonly recentTransitions: number;
  readonly lastAlert: LastAlert | undefined;
}

/** The operator's thresholds. */
export interface AlertThresholds {
  readonly cooldownMs: number;
  /** More transitions than this are flapping. */
  readonly flapThreshold: number;
  /** Whether to tell when a component that was alerted is well again. */
  readonly alertRecovered: boolean;
}

/** The alerts that these components deserve now; at most one each. */
export function evaluateAlerts(
  components: readonly WatchedComponent[],
  thresholds: AlertThresholds,
  now: Date,
): Alert[] {
  return components.flatMap((component) => {
    const kind = alertKind(component, thresholds, now);
    const last = component.transitions.at(-1);
    if (kind === undefined || last === undefined) return [];
    return [{
      kind,
      service: component.service,
      component: component.component,
      desired: component.desired,
      observed: component.observed,
      previous: component.transitions[0]?.previous ?? last.previous,
      transitions: component.recentTransitions,
      cause: component.transitions.findLast(({ cause }) => cause !== "")?.cause ?? "",
    }];
  });
}

/** Whether a moment is no longer ago than this. One in the future is of a clock that was set back. */
function isWithin(moment: Date, durationMs: number, now: Date): boolean {
  const agoMs = now.getTime() - moment.getTime();
  return agoMs >= 0 && agoMs < durationMs;
}

function alertKind(
  component: WatchedComponent,
  { cooldownMs, flapThreshold, alertRecovered }: AlertThresholds,
  now: Date,
): AlertKind | undefined {
  const { desired, observed, transitions, lastAlert } = component;
  const [first] = transitions;
  if (desired === "ignore" || first === undefined) return undefined;
  const isQuiet = lastAlert !== undefined && isWithin(lastAlert.at, cooldownMs, now);

  if (component.recentTransitions > flapThreshold) {
    const mayEscalate = lastAlert?.kind === "drift" || lastAlert?.kind === "recovered";
    return isQuiet && !mayEscalate ? undefined : "flapping";
  }
  // What was never there has not gone: it was declared, and not deployed yet.
  if (first.previous === "unknown" && observed === "removed") return undefined;
  // How a job had ended that was run again is not known any more; that it fails now is news.
  const was = component.job === undefined && isDrift(desired, first.previous);
  const is = isDrift(desired, observed, component.job);
  if (is && !was) return isQuiet ? undefined : "drift";
  const wasAlerted = lastAlert !== undefined && lastAlert.kind !== "recovered";
  return was && !is && wasAlerted && alertRecovered ? "recovered" : undefined;
}
