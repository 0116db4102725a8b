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
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { command } from "@optique/core/primitives";
import { errorChain, errorKind, McpError } from "../lib/errors.ts";
import { exitCodeOfKind } from "../lib/exit_code.ts";
import { version } from "../lib/version.ts";
import { init } from "./processes/init.ts";
import { permissions } from "./processes/permissions.ts";
import type { Process } from "./processes/process.ts";
import { restore } from "./processes/restore.ts";
import { server } from "./processes/server.ts";
import { snapshot } from "./processes/snapshot.ts";
import { tokenCreate, tokenList, tokenRevoke } from "./processes/token.ts";

/** A subcommand with its input read: all that is left is to run it. */
type Run = () => Promise<void>;

const program = longestMatch(
  subcommand(init),
  subcommand(server),
  command(
    "token",
    longestMatch(subcommand(tokenCreate), subcommand(tokenList), subcommand(tokenRevoke)),
    { brief: message`Make, list and revoke tokens of the local identity provider` },
  ),
  subcommand(snapshot),
  subcommand(restore),
  subcommand(permissions),
);

/** Runs the program with these arguments; returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const read = runParser(program, "mcp-agent", args, {
    brief: message`The node's side of MCP, the Metacircular Control Plane`,
    help: { command: true, option: true, onShow: () => 0 },
    version: { option: true, value: version, onShow: () => 0 },
    completion: { command: true, onShow: () => 0 },
    colors: Deno.stdout.isTerminal() && !Deno.noColor,
    stdout: printLine,
    stderr: printErrorLine,
    onError: () => exitCodeOfKind.invalid,
  });
  if (typeof read === "number") return read;
  try {
    await read();
    return 0;
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

function subcommand<Input>(process: Process<Input>): Parser<"sync", Run, unknown> {
  return command(
    process.path.at(-1) ?? "",
    map(process.parser, (input): Run => () => process.run(input, printLine)),
    {
      brief: message`${text(process.summary)}`,
      footer: message`Example: ${commandLine(process.example)}`,
    },
  );
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
