/**
 * `ContainerRuntime` by running podman.
 *
 * Every command line is logged at debug level as it is run, so that an operator
 * can repeat it by hand. podman itself has no deadlines: each verb brings one.
 *
 * @module
 */

import { errorChain, McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { Exec, ExecResult } from "../../../lib/system/exec.ts";
import type { Follow } from "../../../lib/system/follow.ts";
import type { ContainerRuntime, NewContainer, RuntimeEvent, RuntimeInfo } from "../runtime.ts";
import {
  deathsArgv,
  infoArgv,
  inspectArgv,
  inspectImageArgv,
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
  topArgv,
  versionArgv,
  watchArgv,
} from "./argv.ts";
import {
  parseDescription,
  parseEvent,
  parseInfo,
  parseInspection,
  parseLastDeath,
  parseListing,
  parseReason,
  parseVersion,
} from "./output.ts";

/** What podman needs to be run. */
export interface PodmanOptions {
  readonly exec: Exec;
  readonly follow: Follow;
  readonly target: PodmanTarget;
  readonly pullTimeoutMs: number;
  /** Verbs that only read answer at once: 15 s unless it is said. */
  readonly readTimeoutMs?: number;
  /** Verbs that change things may queue behind podman's locks: 60 s unless it is said. */
  readonly changeTimeoutMs?: number;
}

const removeAttempts = 5;
/** A thousand containers are listed in a quarter of it; who prints more is not podman as we know it. */
const maxOutputBytes = 16 * 1024 * 1024;
/** Lines that are no events, after which a stream is given up: a bad one must not fill the log. */
const mostUnreadable = 10;

/** {@link ContainerRuntime} by podman's command line. */
export class Podman implements ContainerRuntime {
  readonly #options: Required<PodmanOptions>;

  constructor(options: PodmanOptions) {
    this.#options = { readTimeoutMs: 15_000, changeTimeoutMs: 60_000, ...options };
  }

  async version(signal?: AbortSignal): Promise<string> {
    return parseVersion(await this.#read("ask podman for its version", versionArgv(), signal));
  }

  async info(signal?: AbortSignal): Promise<RuntimeInfo> {
    return parseInfo(await this.#read("ask podman how it is set up", infoArgv(), signal));
  }

  async list(signal?: AbortSignal) {
    return parseListing(await this.#read("list the containers", listArgv(), signal));
  }

  async inspect(name: string, signal?: AbortSignal) {
    const result = await this.#exec(inspectArgv(name), this.#options.readTimeoutMs, signal);
    if (result.code !== 0 && isAbsent(result.stderr)) return undefined;
    const found = parseInspection(requireSuccess(`inspect container "${name}"`, result));
    return found.name === name ? found.detail : undefined;
  }

  async pull(image: string, signal?: AbortSignal): Promise<void> {
    const { pullTimeoutMs } = this.#options;
    const result = await this.#exec(pullArgv(image), pullTimeoutMs, signal);
    requireSuccess(`pull the image "${image}"`, result);
  }

  async run(container: NewContainer, signal?: AbortSignal): Promise<void> {
    const pullMs = container.pull === "missing" ? this.#options.pullTimeoutMs : 0;
    const result = await this.#exec(
      runArgv(container),
      pullMs + this.#options.changeTimeoutMs,
      signal,
    );
    requireSuccess(`run container "${container.name}"`, result);
  }

  async start(name: string, signal?: AbortSignal): Promise<void> {
    const what = `start container "${name}"`;
    await this.#change(what, startArgv(await this.#handle(what, name, signal)), signal);
  }

  async stop(name: string, graceMs: number, signal?: AbortSignal): Promise<void> {
    const what = `stop container "${name}"`;
    const argv = stopArgv(await this.#handle(what, name, signal), graceMs);
    requireSuccess(what, await this.#exec(argv, graceMs + this.#options.changeTimeoutMs, signal));
  }

  async restart(name: string, graceMs: number, signal?: AbortSignal): Promise<void> {
    const what = `restart container "${name}"`;
    const argv = restartArgv(await this.#handle(what, name, signal), graceMs);
    requireSuccess(what, await this.#exec(argv, graceMs + this.#options.changeTimeoutMs, signal));
  }

  async lastExitCode(name: string, signal?: AbortSignal): Promise<number | undefined> {
    const what = `see how container "${name}" ended`;
    // By its id: events remember the name that a container had then.
    const found = await this.inspect(name, signal);
    if (found === undefined) throw absent(what);
    return parseLastDeath(await this.#read(what, deathsArgv(found.id), signal));
  }

  async rename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    const what = `rename container "${from}" to "${to}"`;
    await this.#change(what, renameArgv(await this.#handle(what, from, signal), to), signal);
  }

  async remove(name: string, signal?: AbortSignal): Promise<boolean> {
    const what = `remove container "${name}"`;
    const handle = await this.#find(name, signal);
    if (handle === undefined) return false;
    let result = await this.#exec(removeArgv(handle), this.#options.changeTimeoutMs, signal);
    // A container that crashes and is restarted may be between the two when podman wants to kill it:
    // "cannot remove container … as it could not be stopped: … container state improper" (4.3).
    for (let again = 1; again < removeAttempts && isBetweenStates(result); again++) {
      result = await this.#exec(removeArgv(handle), this.#options.changeTimeoutMs, signal);
    }
    // `rm --force` of an absent container is an error on some versions; 4.3 just prints nothing.
    if (result.code !== 0 && isAbsent(result.stderr)) return false;
    return requireSuccess(what, result).trim() !== "";
  }

  async watch(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    const argv = [...podmanArgv(this.#options.target), ...watchArgv()];
    log.podman.debug("{argv}", { argv: argv.join(" ") });
    let unreadable = 0;
    await this.#options.follow(argv, {
      signal,
      onLine(line) {
        if (line.trim() === "") return;
        let event: RuntimeEvent;
        try {
          event = parseEvent(line);
        } catch (error) {
          unreadable++;
          if (unreadable >= mostUnreadable) throw error;
          // A hint that cannot be read is one hint less: the poll will see what happened.
          log.podman.warn("{reason}", { reason: errorChain(error) });
          return;
        }
        onEvent(event);
      },
    });
  }

  async describe(name: string, component: string, signal?: AbortSignal) {
    const what = `describe container "${name}"`;
    const found = await this.inspect(name, signal);
    if (found === undefined) throw absent(what);
    const container = await this.#read(what, inspectArgv(found.id), signal);
    const image = await this.#read(what, inspectImageArgv(found.imageId), signal);
    return parseDescription(component, container, image);
  }

  /**
   * podman learns of an end from conmon, and lists a container as running for ever when both were
   * killed; `top` looks at the process itself (by its number, which may be another's by then:
   * such a container is found when that one has ended). Of a container that is just being restarted
   * it fails as well, so that only a run that goes on being listed has vanished.
   */
  async hasVanished(name: string, signal?: AbortSignal): Promise<boolean> {
    const handle = await this.#find(name, signal);
    if (handle === undefined) return false;
    const isThere = async () => {
      const { code } = await this.#exec(topArgv(handle), this.#options.readTimeoutMs, signal);
      return code === 0;
    };
    if (await isThere()) return false;
    const before = await this.inspect(name, signal);
    if (before?.status !== "running" || await isThere()) return false;
    const after = await this.inspect(name, signal);
    return after?.status === "running" &&
      after.startedAt?.getTime() === before.startedAt?.getTime();
  }

  async logTail(name: string, lines: number, signal?: AbortSignal): Promise<string[]> {
    const what = `read the log of container "${name}"`;
    const argv = logTailArgv(await this.#handle(what, name, signal), lines);
    const result = await this.#exec(argv, this.#options.readTimeoutMs, signal);
    // Of an absent container `podman --remote` 4.3 says that it "lost synchronization".
    if (result.code !== 0 && await this.inspect(name, signal) === undefined) throw absent(what);
    requireSuccess(what, result);
    // The container's two streams come back as podman's two streams; their order is lost.
    return [result.stdout, result.stderr].flatMap((text) => text.split("\n"))
      .filter((line) => line !== "");
  }

  /** What to call a container on a command line; fails when there is none of that name. */
  async #handle(what: string, name: string, signal: AbortSignal | undefined): Promise<string> {
    const handle = await this.#find(name, signal);
    if (handle !== undefined) return handle;
    throw absent(what);
  }

  /**
   * What to call a container on a command line, or undefined when there is none.
   *
   * Where no container has the name, podman takes it for the beginning of an id:
   * `podman rm --force db` would remove any container whose id begins with "db".
   * A name that could be one is looked up first, and its whole id used instead.
   */
  async #find(name: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    return /^[0-9a-f]{1,64}$/.test(name) ? (await this.inspect(name, signal))?.id : name;
  }

  async #read(what: string, argv: string[], signal: AbortSignal | undefined): Promise<string> {
    return requireSuccess(what, await this.#exec(argv, this.#options.readTimeoutMs, signal));
  }

  async #change(what: string, argv: string[], signal: AbortSignal | undefined): Promise<void> {
    requireSuccess(what, await this.#exec(argv, this.#options.changeTimeoutMs, signal));
  }

  async #exec(
    args: string[],
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<ExecResult> {
    const argv = [...podmanArgv(this.#options.target), ...args];
    log.podman.debug("{argv}", { argv: argv.map(quoteForReading).join(" ") });
    return await this.#options.exec(argv, { timeoutMs, signal, maxOutputBytes });
  }
}

function absent(what: string): McpError {
  return new McpError("not_found", `Cannot ${what}`, { cause: new Error("no such container") });
}

/** podman 4.3 to 5: `no container with name or ID "x" found: no such container`. */
function isAbsent(stderr: string): boolean {
  return /no such container|no container with name or ID/i.test(stderr);
}

function isBetweenStates({ code, stderr }: ExecResult): boolean {
  return code !== 0 && /container state improper/i.test(stderr);
}

/** Standard output of a command that succeeded; its failure in our kinds otherwise. */
function requireSuccess(what: string, result: ExecResult): string {
  if (result.code === 0) return result.stdout;
  const reason = parseReason(result.stderr);
  const cause = new Error(reason === "" ? `podman exited with code ${result.code}` : reason);
  // "no such container"; of images "image not known" on the node, and from its registry
  // "manifest unknown" or "name unknown".
  if (isAbsent(result.stderr) || /image not known|manifest unknown|name unknown/i.test(reason)) {
    throw new McpError("not_found", `Cannot ${what}`, { cause });
  }
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
