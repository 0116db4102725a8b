/**
 * What a subcommand of `mcp-agent` is.
 *
 * @module
 */

import type { Parser } from "@optique/core/parser";
import { message } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { defaultConfigPath } from "../config.ts";

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

/** `--config FILE` */
export function configOption() {
  return withDefault(
    option("--config", string({ metavar: "FILE" }), {
      description: message`The agent's config, by default ${defaultConfigPath}`,
    }),
    defaultConfigPath,
  );
}

/** `--json` */
export function jsonFlag() {
  return withDefault(flag("--json", { description: message`Print one JSON object` }), false);
}
