/**
 * Arguments to a command that waits to be run; help, version and completion on the way.
 *
 * Knows all commands, and is loaded where `named_command.ts` has no answer.
 *
 * @module
 */

import { bash, fish, nu, pwsh, zsh } from "@optique/core/completion";
import { object, or } from "@optique/core/constructs";
import { runParserSync } from "@optique/core/facade";
import { formatMessage, lineBreak, type Message, message, text } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { command } from "@optique/core/primitives";
import { McpError } from "../../lib/errors.ts";
import { buildOf } from "../../lib/version.ts";
import type { Example } from "../command.ts";
import { knowing, type KnownWords } from "./completion.ts";
import { everywhere } from "./everywhere.ts";
import type { Called } from "./named_command.ts";
import { allCommands, type Entry, firstSteps, groups, type Invocation } from "../program.ts";

/** What a command line asks for. */
export type Asked =
  /** Help, the version or a completion: it has been shown, and that is all. */
  | { readonly kind: "shown" }
  | { readonly kind: "command" } & Called;

/** Where help goes, and how wide it may be. */
interface CommandLineOptions {
  readonly show: (text: string) => void;
  readonly columns: number | undefined;
  readonly colors: boolean;
  /** What completions may suggest. */
  readonly knownWords: KnownWords;
}

/**
 * Reads the arguments.
 *
 * @throws {McpError} `invalid` with the help command to run as hint.
 */
export async function readCommandLine(
  args: readonly string[],
  { show, columns, colors, knownWords }: CommandLineOptions,
): Promise<Asked> {
  const program = await allCommands();
  // The library's type promises the parsed value also where it has shown help instead.
  let shown = false;
  const onShow = () => {
    shown = true;
  };
  const parser = object({ invocation: commandsParser(program), everywhere });
  const shells = {
    bash: knowing(bash, knownWords),
    fish: knowing(fish, knownWords),
    // The library offers these two in any case.
    nu: knowing(nu, knownWords),
    pwsh: knowing(pwsh, knownWords),
    zsh: knowing(zsh, knownWords),
  };
  const parsed = runParserSync(parser, "mcp", args, {
    brief: message`Run services on the nodes of this platform`,
    help: { option: { names: ["--help", "-h"] }, onShow },
    version: { option: { names: ["--version"] }, value: buildOf("mcp"), onShow },
    completion: { command: true, shells, onShow },
    usageLine: [{ type: "ellipsis" }],
    termWidth: "auto",
    colors,
    ...(columns === undefined ? {} : { maxWidth: columns }),
    footer: examplesFooter(firstSteps),
    // Help ends in an empty line; completions are one line each.
    stdout: (text) => show(`${text.replace(/\n+$/, "")}\n`),
    stderr: () => {
      // What would be said here is said by the error.
    },
    aboveError: "none",
    onError: (_exitCode, error) => {
      throw usageError(error, args, program);
    },
  });
  if (shown) return { kind: "shown" };
  const { invocation, everywhere: { config } } = parsed;
  return { kind: "command", invocation, config };
}

/** All commands as one parser; commands of two words are grouped by their first. */
function commandsParser(entries: readonly Entry[]): Parser<"sync", Invocation, unknown> {
  const firstWords = [...new Set(entries.map(({ path }) => path[0]))];
  return or(...firstWords.map((word): Parser<"sync", Invocation, unknown> => {
    const members = entries.filter(({ path }) => path[0] === word);
    const single = members.find(({ path }) => path.length === 1);
    if (single !== undefined) return commandParser(word, single);
    return command(word, or(...members.map((each) => commandParser(each.path[1] ?? "", each))), {
      brief: message`${text(groups[word] ?? "")}`,
      footer: examplesFooter(members.map(({ examples: [first] }) => first)),
    });
  }));
}

function commandParser(word: string, entry: Entry): Parser<"sync", Invocation, unknown> {
  const { summary, description, examples, parser } = entry;
  return command(word, parser, {
    brief: message`${text(summary)}`,
    ...(description === undefined ? {} : { description: message`${text(description)}` }),
    footer: examplesFooter(examples),
  });
}

function examplesFooter(examples: readonly Example[]): Message {
  const width = Math.max(...examples.map(({ line }) => line.length));
  return [
    text("Examples:"),
    ...examples.flatMap(({ line, effect }) => [
      lineBreak(),
      text(`  ${line.padEnd(width)}  # ${effect}`),
    ]),
  ];
}

/** The library's complaint in the house's words: a sentence, and what to do next. */
function usageError(
  complaint: Message,
  args: readonly string[],
  program: readonly Entry[],
): McpError {
  const [sentence = "", ...more] = formatMessage(complaint).split("\n\n");
  const words = program
    .map(({ path }) => path)
    .find((path) => path.every((word, at) => args[at] === word)) ?? [];
  const help = `Run \`${["mcp", ...words, "--help"].join(" ")}\``;
  return new McpError("invalid", sentence.replace(/\.$/, ""), {
    hint: more.length === 0 ? help : more.join(" ").replaceAll("\n", " "),
  });
}
