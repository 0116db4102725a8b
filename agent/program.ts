/**
 * Every subcommand, in the order of `mcp-agent --help`.
 *
 * @module
 */

import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { doctor } from "./processes/doctor.ts";
import { init } from "./processes/init.ts";
import { install } from "./processes/install.ts";
import { permissions } from "./processes/permissions.ts";
import type { Process } from "./processes/process.ts";
import { renew } from "./processes/renew.ts";
import { restore } from "./processes/restore.ts";
import { server } from "./processes/server.ts";
import { snapshot } from "./processes/snapshot.ts";
import { tokenCreate, tokenList, tokenRevoke } from "./processes/token.ts";
import { uninstall } from "./processes/uninstall.ts";

/** A subcommand whose input has been read. */
export type Invocation = (print: (line: string) => void) => Promise<number | void>;

/** A subcommand that hides its kind of input, so that all fit into one list. */
export interface Entry extends Pick<Process<never>, "path" | "summary" | "example" | "grants"> {
  readonly parser: Parser<"sync", Invocation, unknown>;
}

/** The subcommands. */
export const program: readonly Entry[] = [
  entry(install),
  entry(uninstall),
  entry(init),
  entry(server),
  entry(tokenCreate),
  entry(tokenList),
  entry(tokenRevoke),
  entry(snapshot),
  entry(restore),
  entry(permissions),
  entry(doctor),
  entry(renew),
];

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
