/**
 * One run of `mcp`: read the arguments, run the command, show what came of it.
 *
 * Results go to standard output, everything else to standard error; with
 * `--json` a failure is a result too. Nothing here ends the process.
 *
 * @module
 */

import { readCommandLine } from "./command_line.ts";
import { createContext } from "./context.ts";
import { Interrupted } from "./interrupted.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "./output/exit_code.ts";
import { failureJson, failureLines } from "./output/failure.ts";
import { renderJson } from "./output/json.ts";
import { renderBlocks, wantsColors } from "./output/screen.ts";
import type { System } from "./system.ts";

/** Runs `mcp` with these arguments; how it ended is the exit code. */
export async function run(args: readonly string[], system: System): Promise<ExitCode> {
  const { env, interrupted, terminal: { stdout, stderr, columns } } = system;
  // Asked of the arguments themselves, so that a mistake in them is told in JSON as well.
  const json = args.includes("--json");
  try {
    const asked = readCommandLine(args, {
      show: (text) => stdout.write(text),
      columns: stdout.isTerminal ? columns() : undefined,
      colors: wantsColors(stdout, env),
    });
    if (asked.kind === "shown") return exitCodes.done;
    const report = await asked.invocation(await createContext(system, asked.config));
    stdout.write(
      json
        ? renderJson(report.json)
        : renderBlocks(report.screen, { colors: wantsColors(stdout, env) }),
    );
    return report.exitCode;
  } catch (error) {
    // After a Ctrl-C, whatever else failed did so because of it.
    const reason = interrupted.aborted && !(error instanceof Interrupted)
      ? new Interrupted()
      : error;
    if (json) stdout.write(renderJson({ error: failureJson(reason) }));
    else {
      stderr.write(renderBlocks([failureLines(reason)], { colors: wantsColors(stderr, env) }));
    }
    return exitCodeOf(reason);
  }
}
