/**
 * What a command is, and what it is given.
 *
 * A command is a value in a file named after it. It decides and asks; it returns
 * a {@link Report} and leaves printing to `run.ts`, so that every command speaks
 * both to people and to scripts and none can forget one of them.
 *
 * @module
 */

import type { Parser } from "@optique/core/parser";
import type { Clock } from "../lib/system/clock.ts";
import type { Files } from "../lib/system/files.ts";
import type { Agents } from "./agents/agents.ts";
import type { Config, Node } from "./config.ts";
import type { Definitions } from "./definitions/definitions.ts";
import type { ExitCode } from "./output/exit_code.ts";
import type { JsonObject } from "./output/json.ts";
import type { Progress } from "./output/progress.ts";
import type { Block } from "./output/screen.ts";
import type { Environment } from "./system.ts";
import type { Terminal } from "./terminal.ts";

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
  run(context: CommandContext, input: Input): Promise<Report>;
}

/** What came of a command that was carried out. */
export interface Report {
  /** Shown to people, on standard output. */
  readonly screen: readonly Block[];
  /** Printed instead with `--json`. */
  readonly json: JsonObject;
  readonly exitCode: ExitCode;
}

/** Everything a command may use; each takes the slice it needs. */
export interface CommandContext {
  readonly clock: Clock;
  readonly env: Environment;
  readonly files: Files;
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
   * The nodes of the config, at least one.
   *
   * @throws {McpError} as {@link config}, and `not_found` when it has no nodes.
   */
  nodes(): Promise<readonly Node[]>;
  readonly agents: Agents;
  readonly definitions: Definitions;
}
