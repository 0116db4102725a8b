/**
 * Observed transitions: append, read, count, forget.
 *
 * @module
 */

import type { Transition } from "../../lib/domain/event.ts";
import { eventStates } from "../../lib/domain/state.ts";
import { firstIdSince } from "./by_time.ts";
import type { Registry } from "./registry.ts";
import { number, type Row, sql, text, time, timeText, word } from "./row.ts";

/** A transition as it is remembered. */
export interface RecordedEvent extends Transition {
  /** Grows with every event of the node. */
  readonly id: number;
}

/** Which events are asked for. */
interface EventFilter {
  /** Undefined = all services. */
  readonly service?: string | undefined;
  readonly since?: Date | undefined;
  readonly limit: number;
}

/** Appends one transition. */
export function appendEvent(registry: Registry, transition: Transition): void {
  registry.run(...sql`INSERT INTO events
       (service, component, prev_state, new_state, timestamp, cause, actor)
     VALUES (${transition.service}, ${transition.component}, ${transition.previous},
     ${transition.next}, ${transition.at}, ${transition.cause}, ${transition.actor})`);
}

/** The latest transitions, newest first. */
export function recentEvents(registry: Registry, filter: EventFilter): RecordedEvent[] {
  const { service, since, limit } = filter;
  const first = since === undefined ? 0 : firstIdSince(registry, "events", since);
  if (first === undefined) return [];
  return registry.all(
    `SELECT * FROM events WHERE id >= ?1 ${service === undefined ? "" : "AND service = ?4"}
       AND (?2 IS NULL OR timestamp >= ?2)
     ORDER BY id DESC LIMIT ?3`,
    first,
    since === undefined ? null : timeText(since),
    limit,
    ...(service === undefined ? [] : [service]),
  ).map(toEvent);
}

/** Transitions after one, oldest first. */
export function eventsAfter(
  registry: Registry,
  id: number,
  { service, limit }: { readonly service?: string | undefined; readonly limit: number },
): RecordedEvent[] {
  return registry.all(
    `SELECT * FROM events WHERE id > ?1 ${service === undefined ? "" : "AND service = ?3"}
     ORDER BY id LIMIT ?2`,
    id,
    limit,
    ...(service === undefined ? [] : [service]),
  ).map(toEvent);
}

/**
 * The id after which all events are from a time on, or nothing is missing of them; that of the last
 * event when there is none from then on, or when no time is said.
 *
 * Events are recorded in the order in which they are learned, which is not always that of their times.
 */
export function lastEventId(registry: Registry, before?: Date): number {
  const first = before === undefined ? undefined : firstIdSince(registry, "events", before);
  if (first !== undefined) return first - 1;
  const row = registry.get("SELECT coalesce(max(id), 0) AS last FROM events") ?? {};
  return number(row, "last");
}

/**
 * How often a component has changed by itself since a time.
 *
 * @param until Now: what lies in the future was recorded before the clock was set back.
 */
export function countTransitions(
  registry: Registry,
  service: string,
  component: string,
  { since, until }: { readonly since: Date; readonly until: Date },
): number {
  const row = registry.get(...sql`SELECT count(*) AS transitions FROM events
     WHERE service = ${service} AND component = ${component}
     AND timestamp BETWEEN ${since} AND ${until} AND actor = ''`);
  return row === undefined ? 0 : number(row, "transitions");
}

function toEvent(row: Row): RecordedEvent {
  return {
    id: number(row, "id"),
    service: text(row, "service"),
    component: text(row, "component"),
    previous: word(row, "prev_state", eventStates),
    next: word(row, "new_state", eventStates),
    at: time(row, "timestamp"),
    cause: text(row, "cause"),
    actor: text(row, "actor"),
  };
}
