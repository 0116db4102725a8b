/**
 * Handing the terminal to another program, e.g. an editor, until it ends.
 *
 * There is no deadline, because a person decides when it ends; and no shell.
 *
 * @module
 */

import { McpError } from "../errors.ts";

/**
 * Runs a program on the terminal of this process, and gives its exit code.
 *
 * @throws {McpError} `not_found` when there is no such program, `forbidden` when this process may
 *   not start it, `unavailable` when it does not start for another reason.
 */
export type Foreground = (argv: readonly string[]) => Promise<number>;

/** {@link Foreground} by `Deno.Command`. */
export const realForeground: Foreground = async ([program = "", ...args]) => {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
  } catch (error) {
    throw notStarted(program, error);
  }
  return (await child.status).code;
};

function notStarted(program: string, error: unknown): McpError {
  const shown = JSON.stringify(program);
  if (error instanceof Deno.errors.NotFound) {
    return new McpError("not_found", `Cannot start ${shown}: there is no such program`);
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new McpError("forbidden", `Cannot start ${shown}: this process may not start it`, {
      hint: `Grant it with --allow-run=${program}`,
    });
  }
  return new McpError("unavailable", `Cannot start ${shown}`, { cause: error });
}
