/**
 * Hands arguments and the real system to `run()`.
 *
 * @module
 */

import { realClock } from "../lib/system/clock.ts";
import { realExec } from "../lib/system/exec.ts";
import { realFiles } from "../lib/system/files.ts";
import { realForeground } from "../lib/system/foreground.ts";
import type { ExitCode } from "./output/exit_code.ts";
import { run } from "./run.ts";
import { type Environment, environmentNames } from "./system.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** Runs `mcp` as it was called from a shell; how it ended is the exit code. */
export async function start(terminal: Terminal): Promise<ExitCode> {
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

  return await run(Deno.args, {
    env,
    clock: realClock,
    files: realFiles,
    foreground: realForeground,
    exec: realExec,
    terminal,
    interrupted: interruption.signal,
  });
}
