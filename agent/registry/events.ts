/**
 * Observed transitions: append, and read the latest.
 *
 * @module
 */

import type { Transition } from "../../lib/domain/event.ts";
import { observedStates } from "../../lib/domain/state.ts";
import type { Registry } from "./registry.ts";
import { text, time, timeText, word } from "./row.ts";

/** Appends one transition. */
export function appendEvent(registry: Registry, transition: Transition): void {
  registry.run(
    `INSERT INTO events (service, component, prev_state, new_state, timestamp, cause)
     VALUES (?, ?, ?, ?, ?, ?)`,
    transition.service,
    transition.component,
    transition.previous,
    transition.next,
    timeText(transition.at),
    transition.cause,
  );
}

/** The latest transitions, newest first; of one service when it is named. */
export function recentEvents(
  registry: Registry,
  options: { readonly service?: string | undefined; readonly limit: number },
): Transition[] {
  const rows = options.service === undefined
    ? registry.all("SELECT * FROM events ORDER BY id DESC LIMIT ?", options.limit)
    : registry.all(
      "SELECT * FROM events WHERE service = ? ORDER BY id DESC LIMIT ?",
      options.service,
      options.limit,
    );
  return rows.map((row) => ({
    service: text(row, "service"),
    component: text(row, "component"),
    previous: word(row, "prev_state", observedStates),
    next: word(row, "new_state", observedStates),
    at: time(row, "timestamp"),
    cause: text(row, "cause"),
  }));
}
