/**
 * `mcp` — the operator's side: says its version, or starts everything else.
 *
 * Permission set "cli":
 *   net          the nodes of the config and MCIAS; which, only the config knows
 *   read, write  the config's folder, definitions, tokens, and files the operator names
 *   env          HOME, XDG_CONFIG_HOME   where the config is
 *                MCP_CONFIG, MCP_TOKEN   the config and the token, for scripts
 *                NO_COLOR, TERM          whether to use colors
 *                EDITOR, VISUAL          the editor of `mcp service edit`
 *   run          that editor, whichever it is, and the commands that definitions get secrets from:
 *                which, only the environment and the definitions know. Nothing else is ever started.
 *                Who wants less grants those, e.g. --allow-run=vi,pass, or none: everything else
 *                works without
 *   (no sys, ffi, import)                nothing here loads code
 *
 * @module
 */

import { buildOf } from "../lib/version.ts";
import { realTerminal } from "./terminal/terminal.ts";

const terminal = realTerminal();
const asksForVersion = Deno.args.length === 1 && Deno.args[0] === "--version";
const exitCode = asksForVersion ? sayVersion() : await (await import("./start.ts")).start(terminal);
// Everything is written. A connection to a node that takes it and stays silent would keep the
// process alive long after the table was shown.
Deno.exit(exitCode);

/** Scripts ask for it often, and nothing has to be loaded for the answer. */
function sayVersion(): number {
  terminal.stdout.write(`${buildOf("mcp")}\n`);
  return 0;
}
