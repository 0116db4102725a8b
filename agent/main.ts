/**
 * `mcp-agent` — the node's side of MCP. Finds the subcommand, runs it, gives the exit code.
 *
 * Each subcommand is a process of its own: its file under `processes/` opens
 * with the grants it needs and why.
 *
 * @module
 */

import { longestMatch } from "@optique/core/constructs";
import { runParser } from "@optique/core/facade";
import { commandLine, message, text } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { command } from "@optique/core/primitives";
import { errorChain, errorKind, McpError } from "../lib/errors.ts";
import { exitCodeOfKind } from "../lib/exit_code.ts";
import { buildOf } from "../lib/version.ts";
import { type Entry, groups, type Invocation, program } from "./program.ts";

/** Runs the program with these arguments; returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const read = runParser(subcommands(program), "mcp-agent", args, {
    brief: message`The node's side of MCP, the Metacircular Control Plane`,
    help: { command: true, option: true, onShow: () => 0 },
    version: { option: true, value: buildOf("mcp-agent"), onShow: () => 0 },
    completion: { command: true, onShow: () => 0 },
    colors: Deno.stdout.isTerminal() && !Deno.noColor,
    stdout: printLine,
    stderr: printErrorLine,
    onError: () => exitCodeOfKind.invalid,
  });
  if (typeof read === "number") return read;
  try {
    return await read(printLine) ?? 0;
  } catch (error) {
    printErrorLine(`Error: ${errorChain(error)}`);
    if (error instanceof McpError) {
      for (const detail of error.details) printErrorLine(`  ${detail}`);
      if (error.hint !== undefined) printErrorLine(`Next: ${error.hint}`);
    } else if (error instanceof Error) {
      printErrorLine(error.stack ?? "");
    }
    return exitCodeOfKind[errorKind(error)];
  }
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

function printLine(line: string): void {
  writeAll(Deno.stdout, `${line}\n`);
}

function printErrorLine(line: string): void {
  writeAll(Deno.stderr, `${line}\n`);
}

function writeAll(stream: typeof Deno.stdout, content: string): void {
  const bytes = new TextEncoder().encode(content);
  for (let at = 0; at < bytes.byteLength;) at += stream.writeSync(bytes.subarray(at));
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
