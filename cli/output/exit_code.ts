/**
 * How a run ended, in a number that scripts can rely on.
 *
 * @module
 */

import { errorKind, type McpError } from "../../lib/errors.ts";
import { exitCodeOfKind, failedExitCode } from "../../lib/exit_code.ts";
import { Interrupted } from "../terminal/interrupted.ts";

/** Every exit code there is; they never change their meaning. */
export const exitCodes = {
  /** What was asked for is done. */
  done: 0,
  /** A defect in MCP itself. */
  defect: 1,
  /** The arguments, the config or a definition can never work. */
  invalid: 2,
  /** No token, one that is not accepted, or one that may not do this. */
  refused: 3,
  /** The named service, component, node or file does not exist. */
  notFound: 4,
  /** The right request in the wrong state of things. */
  conflict: 5,
  /** No node, or not the one that matters, could be reached. */
  unavailable: 6,
  /** Some nodes did not answer; what the others said is shown. */
  partial: 7,
  /**
   * The node was asked and answered, but a component did not do what was asked, or the doctor found
   * something.
   */
  failed: failedExitCode,
  /** With `--exit-code`: there is something to do, or something that differs. */
  different: 9,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The exit code for something that was thrown. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof Interrupted ? exitCodes.interrupted : exitCodeOfKind[errorKind(error)];
}

/**
 * The exit code for several nodes asked at once.
 *
 * When none answered and all for the same reason, that reason decides: "not
 * logged in" is more use to a script than "unavailable".
 *
 * @param failures What the nodes that did not answer failed with.
 * @param answered How many did answer.
 */
export function exitCodeOfNodes(failures: readonly McpError[], answered: number): ExitCode {
  const [first] = failures;
  if (first === undefined) return exitCodes.done;
  if (answered > 0) return exitCodes.partial;
  return failures.every((failure) => failure.kind === first.kind)
    ? exitCodeOf(first)
    : exitCodes.unavailable;
}
