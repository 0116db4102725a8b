/**
 * The outside world as the CLI sees it: everything `run()` may touch.
 *
 * `main.ts` builds the real one; tests build one from temporary folders and
 * recorded screens.
 *
 * @module
 */

import type { Clock } from "../lib/system/clock.ts";
import type { Exec } from "../lib/system/exec.ts";
import type { FileContents, FileLocks, Files } from "../lib/system/files.ts";
import type { Foreground } from "../lib/system/foreground.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** Names of all environment variables the CLI reads; nothing else is ever asked for. */
export const environmentNames = [
  "HOME",
  "XDG_CONFIG_HOME",
  "MCP_CONFIG",
  "MCP_TOKEN",
  "NO_COLOR",
  "TERM",
  "EDITOR",
  "VISUAL",
] as const;

/** The environment variables that are set. */
export type Environment = Readonly<Partial<Record<(typeof environmentNames)[number], string>>>;

/** Clock, files, programs, terminal and environment of one run. */
export interface System {
  readonly env: Environment;
  readonly clock: Clock;
  readonly files: Files & FileContents & FileLocks;
  /** Starts the operator's editor, and nothing else. */
  readonly foreground: Foreground;
  /** Runs the commands that a definition gets secrets from, and nothing else. */
  readonly exec: Exec;
  readonly terminal: Terminal;
  /** Trips on Ctrl-C. */
  readonly interrupted: AbortSignal;
}
