/**
 * Running podman: every command line is logged at debug level as it is run, so that an operator can
 * repeat it by hand, and what podman says when it fails becomes an error of our kinds.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { Exec, ExecOptions, ExecResult } from "../../../lib/system/exec.ts";
import type { Follow, FollowOptions } from "../../../lib/system/follow.ts";
import { podmanArgv, type PodmanTarget } from "./argv.ts";
import { parseReason } from "./output.ts";

/** A thousand containers are listed in a quarter of it; who prints more is not podman as we know it. */
export const maxOutputBytes = 16 * 1024 * 1024;

export interface PodmanCliOptions {
  readonly exec: Exec;
  readonly follow: Follow;
  readonly target: PodmanTarget;
}

/** podman's command line. */
export class PodmanCli {
  readonly #options: PodmanCliOptions;

  constructor(options: PodmanCliOptions) {
    this.#options = options;
  }

  /** Runs podman to its end. podman itself has no deadlines. */
  async run(
    args: readonly string[],
    timeoutMs: number,
    signal: AbortSignal | undefined,
    more: Pick<ExecOptions, "onStderrLine" | "stdin"> = {},
  ): Promise<ExecResult> {
    const argv = this.#logged(args);
    return await this.#options.exec(argv, { timeoutMs, signal, maxOutputBytes, ...more });
  }

  /** Runs podman as long as it prints, and gives its exit code. */
  async follow(args: readonly string[], options: FollowOptions): Promise<number> {
    return await this.#options.follow(this.#logged(args), options);
  }

  #logged(args: readonly string[]): string[] {
    const argv = [...podmanArgv(this.#options.target), ...args];
    log.podman.debug("{argv}", { argv: argv.map(quoteForReading).join(" ") });
    return argv;
  }
}

/** Standard output of a command that succeeded; its failure in our kinds otherwise. */
export function requireSuccess(what: string, result: ExecResult): string {
  if (result.code === 0) return result.stdout;
  const reason = parseReason(result.stderr);
  const cause = new Error(reason === "" ? `podman exited with code ${result.code}` : reason);
  // "no such container"; of images "image not known" on the node, and from its registry
  // "manifest unknown" or "name unknown".
  if (isAbsent(result.stderr) || /image not known|manifest unknown|name unknown/i.test(reason)) {
    throw new McpError("not_found", `Cannot ${what}`, { cause });
  }
  // "the container name "x" is already in use", "address already in use", "port is already allocated";
  // podman 5 of a new name that is taken: "UNIQUE constraint failed: ContainerConfig.Name".
  if (/already in use|already allocated|UNIQUE constraint failed: \S+\.Name/i.test(reason)) {
    throw new McpError("conflict", `Cannot ${what}`, { cause });
  }
  throw new McpError("unavailable", `Cannot ${what}`, { cause });
}

/** There is no container of the name that was meant. */
export function absent(what: string): McpError {
  return new McpError("not_found", `Cannot ${what}`, { cause: new Error("no such container") });
}

/** podman 4.3 to 5: `no container with name or ID "x" found: no such container`. */
export function isAbsent(said: string): boolean {
  return /no such container|no container with name or ID/i.test(said);
}

/** podman 4.3: `inspecting object: x: image not known`. */
export function isUnknownImage(said: string): boolean {
  return /image not known|no such image/i.test(said);
}

/** An argument as it can be pasted into a shell; for the log only, nothing runs it. */
export function quoteForReading(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
