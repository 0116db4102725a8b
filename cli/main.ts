/**
 * `mcp` — the operator's side: hands arguments and the real system to `run()`.
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

import { realClock } from "../lib/system/clock.ts";
import { realExec } from "../lib/system/exec.ts";
import { realFiles } from "../lib/system/files.ts";
import { realForeground } from "../lib/system/foreground.ts";
import { run } from "./run.ts";
import { type Environment, environmentNames } from "./system.ts";
import { realTerminal } from "./terminal.ts";

const interruption = new AbortController();
const onInterrupt = () => {
  interruption.abort();
  // A second Ctrl-C finds no listener and ends the process at once.
  Deno.removeSignalListener("SIGINT", onInterrupt);
};
Deno.addSignalListener("SIGINT", onInterrupt);

const env: Environment = Object.fromEntries(
  environmentNames.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }),
);

const exitCode = await run(Deno.args, {
  env,
  clock: realClock,
  files: realFiles,
  foreground: realForeground,
  exec: realExec,
  terminal: realTerminal(),
  interrupted: interruption.signal,
});
// Everything is written. A connection to a node that takes it and stays silent would keep the
// process alive long after the table was shown.
Deno.exit(exitCode);
