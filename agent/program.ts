/**
 * Every subcommand, in the order of `mcp-agent --help`.
 *
 * One is loaded when it is named: a server that runs for months keeps nothing in memory that only an
 * install needs. Help and completion load them all.
 *
 * @module
 */

import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import type { Process } from "./processes/process.ts";

/** A subcommand whose input has been read. */
export type Invocation = (print: (line: string) => void) => Promise<number | void>;

/** A subcommand that hides its kind of input, so that all fit into one list. */
export interface Entry extends Pick<Process<never>, "path" | "summary" | "example" | "grants"> {
  readonly parser: Parser<"sync", Invocation, unknown>;
}

/** Where a subcommand is. */
interface Place extends Pick<Entry, "path"> {
  load(): Promise<Entry>;
}

const places: readonly Place[] = [
  place(["install"], async () => entry((await import("./processes/install.ts")).install)),
  place(["uninstall"], async () => entry((await import("./processes/uninstall.ts")).uninstall)),
  place(["init"], async () => entry((await import("./processes/init.ts")).init)),
  place(["server"], async () => entry((await import("./processes/server.ts")).server)),
  place(["token", "create"], async () => entry((await import("./processes/token.ts")).tokenCreate)),
  place(["token", "list"], async () => entry((await import("./processes/token.ts")).tokenList)),
  place(["token", "revoke"], async () => entry((await import("./processes/token.ts")).tokenRevoke)),
  place(["snapshot"], async () => entry((await import("./processes/snapshot.ts")).snapshot)),
  place(["restore"], async () => entry((await import("./processes/restore.ts")).restore)),
  place(
    ["permissions"],
    async () => entry((await import("./processes/permissions.ts")).permissions),
  ),
  place(["doctor"], async () => entry((await import("./processes/doctor.ts")).doctor)),
  place(["renew"], async () => entry((await import("./processes/renew.ts")).renew)),
];

/** The subcommands. */
export async function allSubcommands(): Promise<readonly Entry[]> {
  return await Promise.all(places.map((each) => each.load()));
}

/** The subcommand that the arguments begin with; undefined where they begin with none. */
export async function namedSubcommand(args: readonly string[]): Promise<Entry | undefined> {
  return await places.find(({ path }) => path.every((word, at) => args[at] === word))?.load();
}

/** What the first word of a subcommand of two words is about. */
export const groups: Readonly<Record<string, string>> = {
  token: "Make, list and revoke tokens of the local identity provider",
};

function entry<Input>(process: Process<Input>): Entry {
  return {
    ...process,
    parser: map(process.parser, (input): Invocation => (print) => process.run(input, print)),
  };
}

function place(path: Place["path"], load: Place["load"]): Place {
  return { path, load };
}
