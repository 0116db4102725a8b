/**
 * Arguments to a subcommand that waits to be run; help, version and completion on the way.
 *
 * Knows all subcommands, and is loaded where the first words name none, or where there is more to say.
 *
 * @module
 */

import { longestMatch } from "@optique/core/constructs";
import { runParser } from "@optique/core/facade";
import { commandLine, message, text } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { command } from "@optique/core/primitives";
import { exitCodeOfKind } from "../lib/exit_code.ts";
import { buildOf } from "../lib/version.ts";
import { allSubcommands, type Entry, groups, type Invocation } from "./program.ts";

/** Where lines go. */
interface CommandLineOptions {
  readonly stdout: (line: string) => void;
  readonly stderr: (line: string) => void;
  readonly colors: boolean;
}

/** Reads the arguments; the exit code, where something was shown and that is all. */
export async function readCommandLine(
  args: readonly string[],
  options: CommandLineOptions,
): Promise<Invocation | number> {
  return runParser(subcommands(await allSubcommands()), "mcp-agent", args, {
    brief: message`The node's side of MCP, the Metacircular Control Plane`,
    help: { command: true, option: true, onShow: () => 0 },
    version: { option: true, value: buildOf("mcp-agent"), onShow: () => 0 },
    completion: { command: true, onShow: () => 0 },
    onError: () => exitCodeOfKind.invalid,
    ...options,
  });
}

/** All subcommands as one parser; those of two words are grouped by their first. */
function subcommands(entries: readonly Entry[]): Parser<"sync", Invocation, unknown> {
  const firstWords = [...new Set(entries.map(({ path }) => path[0]))];
  return longestMatch(...firstWords.map((word): Parser<"sync", Invocation, unknown> => {
    const members = entries.filter(({ path }) => path[0] === word);
    const single = members.find(({ path }) => path.length === 1);
    if (single !== undefined) return subcommand(word, single);
    return command(
      word,
      longestMatch(...members.map((each) => subcommand(each.path[1] ?? "", each))),
      { brief: message`${text(groups[word] ?? "")}` },
    );
  }));
}

function subcommand(word: string, entry: Entry): Parser<"sync", Invocation, unknown> {
  return command(word, entry.parser, {
    brief: message`${text(entry.summary)}`,
    footer: message`Example: ${commandLine(entry.example)}`,
  });
}
