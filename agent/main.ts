/**
 * `mcp-agent` — the node's side of MCP. Finds the subcommand, runs it, gives the exit code.
 *
 * Each subcommand is a process of its own: its file under `processes/` opens
 * with the grants it needs and why.
 *
 * @module
 */

import { parseSync } from "@optique/core/parser";
import { errorChain, errorKind, McpError } from "../lib/errors.ts";
import { exitCodeOfKind } from "../lib/exit_code.ts";
import { type Invocation, namedSubcommand } from "./program.ts";

/** Runs the program with these arguments; returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const read = await readNamed(args) ??
    await (await import("./command_line.ts")).readCommandLine(args, {
      stdout: printLine,
      stderr: printErrorLine,
      colors: Deno.stdout.isTerminal() && !Deno.noColor,
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

/**
 * The short way: a subcommand's name first, and nothing wrong with the rest. Only that one is loaded;
 * undefined where there is more to say.
 */
async function readNamed(args: readonly string[]): Promise<Invocation | undefined> {
  const named = await namedSubcommand(args);
  if (named === undefined) return undefined;
  const parsed = parseSync(named.parser, args.slice(named.path.length));
  return parsed.success ? parsed.value : undefined;
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
