/**
 * What a command is, and what it is given.
 *
 * A command is a value in a file named after it. It decides and asks; it returns
 * a {@link Report}, or a {@link Stream} where there is no end to wait for, and
 * leaves printing to `run.ts`, so that every command speaks both to people and to
 * scripts and none can forget one of them.
 *
 * @module
 */

import type { Parser } from "@optique/core/parser";
import type { Clock } from "../lib/system/clock.ts";
import type { FileContents, FileLocks, Files } from "../lib/system/files.ts";
import type { Foreground } from "../lib/system/foreground.ts";
import type { Agents } from "./agents/agents.ts";
import type { Config, Node } from "./settings/config.ts";
import type { Definitions } from "./definitions/definitions.ts";
import type { ExitCode } from "./output/exit_code.ts";
import type { JsonObject } from "./output/json.ts";
import type { Label, Progress } from "./output/progress.ts";
import type { Block } from "./output/screen.ts";
import type { Line } from "./output/screen_text.ts";
import type { Environment } from "./system.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** A line the operator could type, and what it does. */
export interface Example {
  readonly line: string;
  readonly effect: string;
}

/** One command of `mcp`. */
export interface Command<Input> {
  /** The words that call it, e.g. `["node", "add"]`. */
  readonly path: readonly [string] | readonly [string, string];
  /** One line, verb first, without a full stop. */
  readonly summary: string;
  /** What the operator should know besides; a paragraph. */
  readonly description?: string;
  readonly examples: readonly [Example, ...Example[]];
  /** Arguments and options of its own; `--json` and `--config` are everyone's. */
  readonly parser: Parser<"sync", Input, unknown>;
  run(context: CommandContext, input: Input): Promise<Result>;
}

/** A command whose input is what its parser makes. */
export function command<Input>(parts: Command<Input>): Command<Input> {
  return parts;
}

/** What a command gives. */
export type Result = Report | ReportInParts | Stream;

/** What came of a command that was carried out. */
export interface Report {
  /** Shown to people, on standard output. */
  readonly screen: readonly Block[];
  /** Printed instead with `--json`. */
  readonly json: JsonObject;
  /** Written to standard output as it is, in place of the screen. */
  readonly bytes?: Uint8Array;
  readonly exitCode: ExitCode;
}

/**
 * A report of which parts are known before the rest. People are shown each when it comes, and then
 * the report's own screen; scripts get the report alone.
 */
export interface ReportInParts {
  readonly parts: AsyncGenerator<readonly Block[], Report>;
}

/** What comes piece by piece, to its end, until Ctrl-C, or until nobody reads on. */
export interface Stream {
  readonly pieces: AsyncIterable<Piece>;
  /** Drawn for people on a terminal while it goes on, in place of its steps. */
  readonly picture?: () => readonly Label[];
}

/** One line for people, and one object on a line of its own for scripts. */
export interface Shown {
  readonly line: Line;
  readonly json: JsonObject;
}

/** Something that is shown; or a word on the side. */
export type Piece =
  | Shown
  /** Many that are there at the same moment, written at once. */
  | { readonly lines: readonly Shown[] }
  /** On the way to something: for people on standard error, where nothing is drawn. */
  | { readonly step: Line | undefined; readonly json: JsonObject }
  /** Goes to standard error, with `--json` as well. */
  | { readonly aside: Line }
  /** What came of it: the last piece. */
  | { readonly report: Report }
  /** How it ended, where that is all there is to say; the last piece. */
  | { readonly exitCode: ExitCode };

/** Everything a command may use; each takes the slice it needs. */
export interface CommandContext {
  readonly clock: Clock;
  readonly env: Environment;
  readonly files: Files & FileContents & FileLocks;
  readonly foreground: Foreground;
  readonly terminal: Terminal;
  readonly progress: Progress;
  /** Trips on Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** Where the config is, whether or not it exists. */
  readonly configFile: string;
  /**
   * The config.
   *
   * @throws {McpError} `not_found` when there is none, `invalid` when it has mistakes.
   */
  config(): Promise<Config>;
  /**
   * The nodes of the config, at least one; only the one that is named, where one is.
   *
   * @throws {McpError} as {@link config}, and `not_found` when it has no nodes, or none of that name.
   */
  nodes(only?: string): Promise<readonly Node[]>;
  readonly agents: Agents;
  readonly definitions: Definitions;
}
