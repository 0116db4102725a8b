/**
 * What a subcommand of `mcp-agent` is.
 *
 * @module
 */

import type { Parser } from "@optique/core/parser";
import { message, text } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { argument, flag, option } from "@optique/core/primitives";
import { string, type ValueParser } from "@optique/core/valueparser";
import { defaultConfigPath } from "../config.ts";

type Metavar = ValueParser["metavar"];

/** One subcommand: a process of its own, with grants of its own. */
export interface Process<Input> {
  /** The words that call it, e.g. `["token", "create"]`. */
  readonly path: readonly [string] | readonly [string, string];
  /** One line, verb first, without a full stop. */
  readonly summary: string;
  /** A line the operator could type. */
  readonly example: string;
  /**
   * The flags of `deno run` that its one job needs, besides those that grant nothing. Paths come from
   * the command line and the config, which nobody has read when flags must be given: a
   * subcommand that touches files may touch any that its user may, and nothing but files.
   * None for `server`: its flags are derived from the config, by `permissions`.
   */
  readonly grants: readonly string[];
  readonly parser: Parser<"sync", Input, unknown>;
  /**
   * @param print Writes one line to standard output.
   * @returns The exit code, where there is another than 0 without an error.
   */
  run(input: Input, print: (line: string) => void): Promise<number | void>;
}

/** A subcommand whose input is what its parser makes. */
export function subcommand<Input>(parts: Process<Input>): Process<Input> {
  return parts;
}

/** `--config FILE` */
export function configOption() {
  const what = `The agent's config, by default "${defaultConfigPath}"`;
  return withDefault(textOption("--config", "FILE", what), defaultConfigPath);
}

/** `--json` */
export function jsonFlag() {
  return switchFlag("--json", "Print one JSON object");
}

/** Something that is so when it is said. */
export function switchFlag(name: `--${string}`, what: string) {
  return withDefault(flag(name, { description: message`${text(what)}` }), false);
}

/** An option that has a text for its value. */
export function textOption(name: `--${string}`, metavar: Metavar, what: string) {
  return option(name, string({ metavar }), { description: message`${text(what)}` });
}

/** An option like that which may be left out. */
export function optionalText(name: `--${string}`, metavar: Metavar, what: string) {
  return optional(textOption(name, metavar, what));
}

/** An argument that is a text. */
export function textArgument(metavar: Metavar, what: string) {
  return argument(string({ metavar }), { description: message`${text(what)}` });
}
