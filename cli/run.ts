/**
 * One run of `mcp`: read the arguments, run the command, show what came of it.
 *
 * Results go to standard output, everything else to standard error; with
 * `--json` a failure is a result too. Nothing here ends the process.
 *
 * @module
 */

import type { Stream } from "./command.ts";
import { readCommandLine } from "./command_line.ts";
import { type KnownWords, noWords } from "./completion.ts";
import { createContext } from "./context.ts";
import { Interrupted } from "./interrupted.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "./output/exit_code.ts";
import { failureJson, failureLines } from "./output/failure.ts";
import { renderJson, renderJsonLine } from "./output/json.ts";
import { renderBlocks, wantsColors } from "./output/screen.ts";
import type { System } from "./system.ts";

/** Runs `mcp` with these arguments; how it ended is the exit code. */
export async function run(args: readonly string[], system: System): Promise<ExitCode> {
  const { env, interrupted, terminal: { stdout, stderr, columns } } = system;
  // Asked of the arguments themselves, so that a mistake in them is told in JSON as well.
  const json = args.includes("--json");
  let isStream = false;
  try {
    const asked = readCommandLine(args, {
      show: (text) => stdout.write(text),
      columns: stdout.isTerminal ? columns() : undefined,
      colors: wantsColors(stdout, env),
      knownWords: await knownWordsFor(args, system),
    });
    if (asked.kind === "shown") return exitCodes.done;
    const result = await asked.invocation(await createContext(system, asked.config));
    if ("pieces" in result) {
      isStream = true;
      return await show(result, system, { json });
    }
    const { screen, bytes, exitCode } = result;
    if (json) stdout.write(renderJson(result.json));
    else if (bytes !== undefined) stdout.writeBytes(bytes);
    else stdout.write(renderBlocks(screen, { colors: wantsColors(stdout, env) }));
    return exitCode;
  } catch (error) {
    // After a Ctrl-C, whatever else failed did so because of it.
    const reason = interrupted.aborted && !(error instanceof Interrupted)
      ? new Interrupted()
      : error;
    if (json) {
      const failure = { error: failureJson(reason) };
      stdout.write(isStream ? renderJsonLine(failure) : renderJson(failure));
    } else {
      stderr.write(renderBlocks([failureLines(reason)], { colors: wantsColors(stderr, env) }));
    }
    return exitCodeOf(reason);
  }
}

/** Shows the pieces as they come; Ctrl-C is the way to end this, and nothing to talk about. */
async function show(
  { pieces }: Stream,
  { env, interrupted, terminal: { stdout, stderr } }: System,
  { json }: { readonly json: boolean },
): Promise<ExitCode> {
  for await (const piece of pieces) {
    if ("aside" in piece) {
      stderr.write(renderBlocks([[piece.aside]], { colors: wantsColors(stderr, env) }));
    } else if (json) {
      stdout.write(renderJsonLine(piece.json));
    } else {
      stdout.write(renderBlocks([[piece.line]], { colors: wantsColors(stdout, env) }));
    }
    if (stdout.isClosed) return exitCodes.done;
  }
  return interrupted.aborted ? exitCodes.interrupted : exitCodes.done;
}

/** What a completion may suggest; for everything else the files need not be read. */
async function knownWordsFor(args: readonly string[], system: System): Promise<KnownWords> {
  if (args[0] !== "completion" || args.length < 3) return noWords;
  const { readKnownWords } = await import("./known_words.ts");
  return await readKnownWords(system, args.slice(2));
}
