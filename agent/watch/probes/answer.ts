/**
 * Whom a probe asks, and what it was answered.
 *
 * @module
 */

/** Where the node reaches a port of a container. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** What was answered. */
export interface Answer {
  readonly isGood: boolean;
  /**
   * Whether it came from the component itself: it listens, and says that something is wrong. What
   * does not answer at all may only need more time.
   */
  readonly isAnswered: boolean;
  /** For people, e.g. "HTTP 404", "connection refused". */
  readonly text: string;
}
