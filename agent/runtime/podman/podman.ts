/**
 * `ContainerRuntime` by running podman.
 *
 * Every command line is logged at debug level as it is run, so that an operator
 * can repeat it by hand. podman itself has no deadlines: each verb brings one.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { Exec, ExecResult } from "../../../lib/system/exec.ts";
import type { ContainerRuntime, NewContainer } from "../runtime.ts";
import {
  inspectArgv,
  listArgv,
  logTailArgv,
  podmanArgv,
  type PodmanTarget,
  pullArgv,
  removeArgv,
  renameArgv,
  restartArgv,
  runArgv,
  startArgv,
  stopArgv,
  versionArgv,
} from "./argv.ts";
import { parseInspection, parseListing, parseReason, parseVersion } from "./output.ts";

/** What podman needs to be run. */
export interface PodmanOptions {
  readonly exec: Exec;
  readonly target: PodmanTarget;
  readonly pullTimeoutMs: number;
}

/** Verbs that only read answer at once; those that change things may queue behind podman's locks. */
const readTimeoutMs = 15_000;
const changeTimeoutMs = 60_000;

/** {@link ContainerRuntime} by podman's command line. */
export class Podman implements ContainerRuntime {
  readonly #options: PodmanOptions;

  constructor(options: PodmanOptions) {
    this.#options = options;
  }

  async version(signal?: AbortSignal): Promise<string> {
    return parseVersion(await this.#read("ask podman for its version", versionArgv(), signal));
  }

  async list(signal?: AbortSignal) {
    return parseListing(await this.#read("list the containers", listArgv(), signal));
  }

  async inspect(name: string, signal?: AbortSignal) {
    const result = await this.#exec(inspectArgv(name), readTimeoutMs, signal);
    if (result.code !== 0 && isAbsent(result.stderr)) return undefined;
    return parseInspection(requireSuccess(`inspect container "${name}"`, result));
  }

  async pull(image: string, signal?: AbortSignal): Promise<void> {
    const { pullTimeoutMs } = this.#options;
    const result = await this.#exec(pullArgv(image), pullTimeoutMs, signal);
    requireSuccess(`pull the image "${image}"`, result);
  }

  async run(container: NewContainer, signal?: AbortSignal): Promise<void> {
    await this.#change(`run container "${container.name}"`, runArgv(container), signal);
  }

  async start(name: string, signal?: AbortSignal): Promise<void> {
    await this.#change(`start container "${name}"`, startArgv(name), signal);
  }

  async stop(name: string, graceMs: number, signal?: AbortSignal): Promise<void> {
    const timeoutMs = graceMs + changeTimeoutMs;
    const result = await this.#exec(stopArgv(name, graceMs), timeoutMs, signal);
    requireSuccess(`stop container "${name}"`, result);
  }

  async restart(name: string, graceMs: number, signal?: AbortSignal): Promise<void> {
    const timeoutMs = graceMs + changeTimeoutMs;
    const result = await this.#exec(restartArgv(name, graceMs), timeoutMs, signal);
    requireSuccess(`restart container "${name}"`, result);
  }

  async rename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    await this.#change(`rename container "${from}" to "${to}"`, renameArgv(from, to), signal);
  }

  async remove(name: string, signal?: AbortSignal): Promise<boolean> {
    const result = await this.#exec(removeArgv(name), changeTimeoutMs, signal);
    // `rm --force` of an absent container is an error on 4.3 and a success without output later.
    if (result.code !== 0 && isAbsent(result.stderr)) return false;
    return requireSuccess(`remove container "${name}"`, result).trim() !== "";
  }

  async logTail(name: string, lines: number, signal?: AbortSignal): Promise<string[]> {
    const result = await this.#exec(logTailArgv(name, lines), readTimeoutMs, signal);
    requireSuccess(`read the log of container "${name}"`, result);
    // The container's two streams come back as podman's two streams; their order is lost.
    return [result.stdout, result.stderr].flatMap((text) => text.split("\n"))
      .filter((line) => line !== "");
  }

  async #read(what: string, argv: string[], signal: AbortSignal | undefined): Promise<string> {
    return requireSuccess(what, await this.#exec(argv, readTimeoutMs, signal));
  }

  async #change(what: string, argv: string[], signal: AbortSignal | undefined): Promise<void> {
    requireSuccess(what, await this.#exec(argv, changeTimeoutMs, signal));
  }

  async #exec(
    args: string[],
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<ExecResult> {
    const argv = [...podmanArgv(this.#options.target), ...args];
    log.podman.debug("{argv}", { argv: argv.map(quoteForReading).join(" ") });
    return await this.#options.exec(argv, { timeoutMs, signal });
  }
}

/** podman 4.3 to 5: `no container with name or ID "x" found: no such container`. */
function isAbsent(stderr: string): boolean {
  return /no such container|no container with name or ID/i.test(stderr);
}

/** Standard output of a command that succeeded; its failure in our kinds otherwise. */
function requireSuccess(what: string, result: ExecResult): string {
  if (result.code === 0) return result.stdout;
  const reason = parseReason(result.stderr);
  const cause = new Error(reason === "" ? `podman exited with code ${result.code}` : reason);
  if (isAbsent(result.stderr)) throw new McpError("not_found", `Cannot ${what}`, { cause });
  // "the container name "x" is already in use", "address already in use", "port is already allocated"
  if (/already in use|already allocated/i.test(reason)) {
    throw new McpError("conflict", `Cannot ${what}`, { cause });
  }
  throw new McpError("unavailable", `Cannot ${what}`, { cause });
}

/** An argument as it can be pasted into a shell; for the log only, nothing runs it. */
function quoteForReading(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
