/**
 * One run of `mcp`: read the arguments, run the command, show what came of it.
 *
 * Results go to standard output, everything else to standard error; with
 * `--json` a failure is a result too. Nothing here ends the process.
 *
 * @module
 */

import type { Report, ReportInParts, Stream } from "./command.ts";
import { type KnownWords, noWords } from "./command_line/completion.ts";
import { createContext } from "./context.ts";
import { Interrupted } from "./terminal/interrupted.ts";
import { type Called, readNamedCommand } from "./command_line/named_command.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "./output/exit_code.ts";
import { failureJson, failureLines } from "./output/failure.ts";
import { renderJson, renderJsonLine } from "./output/json.ts";
import type { Progress } from "./output/progress.ts";
import { renderBlocks, wantsColors } from "./output/screen.ts";
import type { Line } from "./output/screen_text.ts";
import type { System } from "./system.ts";

/** Runs `mcp` with these arguments; how it ended is the exit code. */
export async function run(args: readonly string[], system: System): Promise<ExitCode> {
  const { env, interrupted, terminal: { stdout, stderr } } = system;
  // Asked of the arguments themselves, so that a mistake in them is told in JSON as well.
  const json = args.includes("--json");
  let isStream = false;
  try {
    const called = await readNamedCommand(args) ?? await readOther(args, system);
    if (called === undefined) return exitCodes.done;
    const context = await createContext(system, called.config);
    const result = await called.invocation(context);
    if ("pieces" in result) {
      isStream = true;
      return await show(result, system, { json, progress: context.progress });
    }
    const report = "parts" in result ? await showParts(result, system, { json }) : result;
    return showReport(report, system, { render: json ? renderJson : undefined });
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

/** Reads what is no command by its name; undefined when what was asked for has been shown. */
async function readOther(args: readonly string[], system: System): Promise<Called | undefined> {
  const { env, terminal: { stdout, columns } } = system;
  const { readCommandLine } = await import("./command_line/command_line.ts");
  const asked = await readCommandLine(args, {
    show: (text) => stdout.write(text),
    columns: stdout.isTerminal ? columns() : undefined,
    colors: wantsColors(stdout, env),
    knownWords: await knownWordsFor(args, system),
  });
  return asked.kind === "shown" ? undefined : asked;
}

/** @param options.render Makes text of the object that is printed in place of the screen. */
function showReport(
  { screen, json, bytes, exitCode }: Report,
  { env, terminal: { stdout } }: System,
  { render }: { readonly render: typeof renderJson | undefined },
): ExitCode {
  if (render !== undefined) stdout.write(render(json));
  else if (bytes !== undefined) stdout.writeBytes(bytes);
  else stdout.write(renderBlocks(screen, { colors: wantsColors(stdout, env) }));
  return exitCode;
}

/** Shows the parts as they come; what is left to show is the report. */
async function showParts(
  { parts }: ReportInParts,
  { env, terminal: { stdout } }: System,
  { json }: { readonly json: boolean },
): Promise<Report> {
  for (;;) {
    const { done, value } = await parts.next();
    if (done) return value;
    if (!json) stdout.write(renderBlocks(value, { colors: wantsColors(stdout, env) }));
  }
}

/** Shows the pieces as they come, and then what came of it. */
async function show(
  { pieces, picture }: Stream,
  system: System,
  { json, progress }: { readonly json: boolean; readonly progress: Progress },
): Promise<ExitCode> {
  // Objects are printed where the picture would be.
  const drawn = json || !progress.isDrawn ? undefined : picture;
  const showing = showPieces(pieces, system, { json, progress, isDrawn: drawn !== undefined });
  const end = drawn === undefined ? await showing : await progress.during(drawn, showing);
  if (typeof end === "number") return end;
  return showReport(end, system, { render: json ? renderJsonLine : undefined });
}

/** The report that is left to show, or how it ended. Ctrl-C is nothing to talk about. */
async function showPieces(
  pieces: Stream["pieces"],
  { env, interrupted, terminal: { stdout, stderr } }: System,
  { json, progress, isDrawn }: {
    readonly json: boolean;
    readonly progress: Progress;
    readonly isDrawn: boolean;
  },
): Promise<Report | ExitCode> {
  const aside = (line: Line) =>
    progress.say(renderBlocks([[line]], { colors: wantsColors(stderr, env) }));
  const colors = wantsColors(stdout, env);
  for await (const piece of pieces) {
    if ("report" in piece) return piece.report;
    if ("exitCode" in piece) return piece.exitCode;
    if ("aside" in piece) aside(piece.aside);
    else if ("lines" in piece) {
      stdout.write(
        json
          ? piece.lines.map((shown) => renderJsonLine(shown.json)).join("")
          : renderBlocks([piece.lines.map(({ line }) => line)], { colors }),
      );
    } else if (json) stdout.write(renderJsonLine(piece.json));
    else if ("line" in piece) {
      stdout.write(renderBlocks([[piece.line]], { colors }));
    } else if (piece.step !== undefined && !isDrawn) aside(piece.step);
    if (stdout.isClosed) return exitCodes.done;
  }
  return interrupted.aborted ? exitCodes.interrupted : exitCodes.done;
}

/** What a completion may suggest; for everything else the files need not be read. */
async function knownWordsFor(args: readonly string[], system: System): Promise<KnownWords> {
  if (args[0] !== "completion" || args.length < 3) return noWords;
  const { readKnownWords } = await import("./command_line/known_words.ts");
  return await readKnownWords(system, args.slice(2));
}
