/**
 * Every command, in the order of `mcp --help`. Reading this is reading that.
 *
 * @module
 */

import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import type { Command, CommandContext, Example, Report } from "./command.ts";
import { deploy } from "./commands/deploy.ts";
import { list } from "./commands/list.ts";
import { login } from "./commands/login.ts";
import { nodeAdd } from "./commands/node/add.ts";
import { nodeList } from "./commands/node/list.ts";
import { nodeRemove } from "./commands/node/remove.ts";
import { ps } from "./commands/ps.ts";
import { restart } from "./commands/restart.ts";
import { start } from "./commands/start.ts";
import { status } from "./commands/status.ts";
import { stop } from "./commands/stop.ts";

/** A command whose input has been read and is waiting for its context. */
export type Invocation = (context: CommandContext) => Promise<Report>;

/** A command that hides its kind of input, so that all fit into one list. */
export interface Entry
  extends Pick<Command<never>, "path" | "summary" | "description" | "examples"> {
  readonly parser: Parser<"sync", Invocation, unknown>;
}

/** The commands. */
export const program: readonly Entry[] = [
  entry(login),
  entry(deploy),
  entry(stop),
  entry(start),
  entry(restart),
  entry(list),
  entry(ps),
  entry(status),
  entry(nodeList),
  entry(nodeAdd),
  entry(nodeRemove),
];

/** What the first word of a two-word command is about. */
export const groups: Readonly<Record<string, string>> = {
  node: "Know the nodes of this workstation",
};

/** What someone who starts with `mcp --help` does next. */
export const firstSteps: readonly Example[] = [
  { line: "mcp node add rift 192.0.2.7:9444 --ca-data MIIB…", effect: "learn the first node" },
  { line: "mcp login", effect: "get a token" },
  { line: "mcp deploy metacrypt", effect: "put a service into service" },
  { line: "mcp status", effect: "see what needs attention" },
];

function entry<Input>(command: Command<Input>): Entry {
  return {
    ...command,
    parser: map(command.parser, (input): Invocation => (context) => command.run(context, input)),
  };
}
