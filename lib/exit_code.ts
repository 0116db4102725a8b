/**
 * How a program ended, in numbers that scripts can rely on; the same for both programs.
 *
 * @module
 */

import type { ErrorKind } from "./errors.ts";

/** The exit code for each kind of error; 0 means done. They never change their meaning. */
export const exitCodeOfKind: Readonly<Record<ErrorKind, 1 | 2 | 3 | 4 | 5 | 6>> = {
  internal: 1,
  invalid: 2,
  // The other side is older than this one: asking it again can never work.
  unimplemented: 2,
  unauthenticated: 3,
  forbidden: 3,
  not_found: 4,
  conflict: 5,
  unavailable: 6,
};

/** What was asked for was done as far as it could be, and something is not as it should be. */
export const failedExitCode = 8;
