/**
 * What a look at the runtime needs of the registry, and leaves there: a fixed number of statements,
 * however many components there are, and one more for each that is not as it was.
 *
 * @module
 */

import {
  type DesiredState,
  desiredStates,
  type ObservedState,
  observedStates,
} from "../../lib/domain/state.ts";
import type { Registry } from "./registry.ts";
import { optionalNumber, optionalTime, sql, text, word } from "./row.ts";

/** A component as it was last seen, without its specs. */
export interface SeenComponent {
  readonly service: string;
  readonly component: string;
  readonly container: string;
  readonly desired: DesiredState;
  readonly observed: ObservedState;
  /** When `observed` was really seen; undefined = never. */
  readonly observedAt: Date | undefined;
  readonly startedAt: Date | undefined;
  readonly exitCode: number | undefined;
}

/** All components, in the order they were declared; read anew when something was written since. */
export function seenComponents(registry: Registry): readonly SeenComponent[] {
  return registry.unlessWritten("seen", () => readSeen(registry));
}

function readSeen(registry: Registry): SeenComponent[] {
  return registry.all(
    `SELECT service, name, container, desired_state, observed_state, observed_at, started_at, exit_code
     FROM components ORDER BY rowid`,
  ).map((row) => ({
    service: text(row, "service"),
    component: text(row, "name"),
    container: text(row, "container"),
    desired: word(row, "desired_state", desiredStates),
    observed: word(row, "observed_state", observedStates),
    observedAt: optionalTime(row, "observed_at"),
    startedAt: optionalTime(row, "started_at"),
    exitCode: optionalNumber(row, "exit_code"),
  }));
}

/** Containers of managed components that were last seen running, by name. */
export function runningContainers(registry: Registry): string[] {
  return registry.all(
    `SELECT container FROM components
     WHERE observed_state = 'running' AND desired_state <> 'ignore' ORDER BY container`,
  ).map((row) => text(row, "container"));
}

/**
 * Remembers that every component was looked at; what was seen of those that are not as they were is
 * recorded besides.
 *
 * @param except Containers that the look says nothing of.
 */
export function recordLook(registry: Registry, now: Date, except: Iterable<string>): void {
  registry.run(...sql`UPDATE components SET observed_at = ${now}
     WHERE container NOT IN (SELECT value FROM json_each(${JSON.stringify([...except])}))`);
}
