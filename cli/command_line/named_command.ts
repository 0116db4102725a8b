/**
 * The short way from arguments to a command: its name first, and nothing wrong with the rest.
 *
 * Only that command is loaded. Whatever else there is to say (help, the version, a completion, a mistake)
 * is left to `command_line.ts`, which knows every command.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { parseSync } from "@optique/core/parser";
import { everywhere } from "./everywhere.ts";
import { type Invocation, namedCommand } from "../program.ts";

/** A command that waits to be run. */
export interface Called {
  readonly invocation: Invocation;
  /** The value of `--config`. */
  readonly config: string | undefined;
}

/** These ask for something else, wherever they stand. */
const otherwise = ["--help", "-h", "--version"];

/** Reads the arguments; undefined where there is more to say. */
export async function readNamedCommand(args: readonly string[]): Promise<Called | undefined> {
  if (args.some((arg) => otherwise.includes(arg))) return undefined;
  const named = await namedCommand(args);
  if (named === undefined) return undefined;
  const parser = object({ invocation: named.parser, everywhere });
  const parsed = parseSync(parser, args.slice(named.path.length));
  if (!parsed.success) return undefined;
  const { invocation, everywhere: { config } } = parsed.value;
  return { invocation, config };
}
