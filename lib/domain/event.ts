/**
 * One observed transition of a component.
 *
 * @module
 */

import type { EventState } from "./state.ts";

/** A component was seen in another state than before. */
export interface Transition {
  readonly service: string;
  readonly component: string;
  readonly previous: EventState;
  readonly next: EventState;
  readonly at: Date;
  /** What brought it about, e.g. "deploy by admin" or "exit code 137"; empty = not known. */
  readonly cause: string;
  /** Who caused it through MCP; empty = it happened by itself, and may deserve an alert. */
  readonly actor: string;
}
