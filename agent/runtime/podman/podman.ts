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
import type { Exec, ExecOptions, ExecResult } from "../../../lib/system/exec.ts";
import type { Follow } from "../../../lib/system/follow.ts";
import type {
  CommandResult,
  ContainerDetail,
  ContainerRuntime,
  DescribedContainer,
  ImageDetail,
  LogOptions,
  NewContainer,
  RuntimeEvent,
  RuntimeInfo,
  StoredImage,
} from "../runtime.ts";
import {
  createSecretArgv,
  deathsArgv,
  execArgv,
  infoArgv,
  inspectArgv,
  inspectImageArgv,
  listArgv,
  listImagesArgv,
  listSecretsArgv,
  logTailArgv,
  podmanArgv,
  type PodmanTarget,
  pullArgv,
  readLogArgv,
  removeArgv,
  removeImageArgv,
  removeSecretArgv,
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
  parseDescriptions,
  parseEvent,
  parseImageIds,
  parseImages,
  parseInfo,
  parseInspection,
  parseInspections,
  parseLastDeath,
  parseListing,
  parseReason,
  parseStoredImages,
  parseVersion,
} from "./output.ts";
import { formatLogTime, parseLogLine } from "./log_line.ts";

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
/** Characters that are kept of what a command in a container prints. */
const keptOutput = 1_000;
/** How many containers or images one command line asks about. */
const inspectedAtOnce = 50;
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

  async inspectAll(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, ContainerDetail>> {
    if (names.length === 0) return new Map();
    const result = await this.#exec(inspectArgv(...names), this.#options.readTimeoutMs, signal);
    // Those that are there are printed all the same.
    if (result.code !== 0 && !isAbsent(result.stderr)) requireSuccess("look at containers", result);
    const found = parseInspections(result.stdout);
    // podman looks ids up as well.
    return new Map([...found].filter(([name]) => names.includes(name)));
  }

  async inspectImages(
    images: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, ImageDetail>> {
    const wanted = [...new Set(images)];
    if (wanted.length === 0) return new Map();
    const result = await this.#exec(
      inspectImageArgv(...wanted),
      this.#options.readTimeoutMs,
      signal,
    );
    if (result.code !== 0 && !isUnknownImage(result.stderr)) {
      requireSuccess("look at images", result);
    }
    const found = parseImages(result.stdout);
    if (found.length === wanted.length) {
      return new Map(found.map((image, at) => [wanted[at] ?? "", image]));
    }
    // Some are missing, and podman does not say in their places which: a reference that is not
    // whole ("web:v1" for "localhost/web:v1") is asked for by itself.
    const pairs = wanted.map(async (name): Promise<[string, ImageDetail][]> => {
      const named = found.find(({ names }) => names.includes(name));
      if (named !== undefined) return [[name, named]];
      if (wanted.length === 1 || found.length === 0) return [];
      return [...await this.inspectImages([name], signal)];
    });
    return new Map((await Promise.all(pairs)).flat());
  }

  async pull(
    image: string,
    signal?: AbortSignal,
    onProgress?: (line: string) => void,
  ): Promise<void> {
    const { pullTimeoutMs } = this.#options;
    const argv = pullArgv(image, { quiet: onProgress === undefined });
    const onStderrLine = onProgress && ((line: string) => {
      const said = line.trim();
      if (said !== "" && !said.startsWith("Error: ")) onProgress(said);
    });
    const what = `pull the image "${image}"`;
    const options = onStderrLine === undefined ? {} : { onStderrLine };
    try {
      requireSuccess(what, await this.#exec(argv, pullTimeoutMs, signal, options));
    } catch (error) {
      if (!(error instanceof McpError) || !error.isTimeout) throw error;
      // Which image an image registry does not hand out is what has to be known.
      throw new McpError(error.kind, `Cannot ${what}`, { cause: error, isTimeout: true });
    }
  }

  async exec(
    name: string,
    command: readonly string[],
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<CommandResult> {
    const what = `run ${command[0] ?? ""} in container "${name}"`;
    const argv = execArgv(await this.#handle(what, name, signal), command);
    const { code, stdout, stderr } = await this.#exec(argv, timeoutMs, signal);
    if (code !== 0 && isAbsent(stderr)) throw absent(what);
    const said = [stdout.trim(), stderr.trim()].filter((text) => text !== "").join("\n");
    return { code, output: said.slice(-keptOutput) };
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
    // "cannot remove container … as it could not be stopped: … container state improper" (4.3); and
    // of one that shares the node's processes, "given PIDs did not die within timeout".
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

  async describeAll(ids: readonly string[], signal?: AbortSignal) {
    const described = new Map<string, DescribedContainer>();
    /** What was printed about each image. */
    const images = new Map<string, string>();
    for (const some of chunks(ids)) {
      const containers = await this.#inspectAll(inspectArgv(...some), signal);
      const missing = parseImageIds(containers).filter((id) => !images.has(id));
      for (const imageIds of chunks(missing)) {
        const output = await this.#inspectAll(inspectImageArgv(...imageIds), signal);
        for (const id of imageIds) images.set(id, output);
      }
      for (const each of parseDescriptions(containers, [...new Set(images.values())])) {
        described.set(each.id, each);
      }
    }
    return described;
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

  async listImages(signal?: AbortSignal): Promise<StoredImage[]> {
    return parseStoredImages(await this.#read("list the images", listImagesArgv(), signal));
  }

  async discardImage({ id, names }: StoredImage, signal?: AbortSignal): Promise<void> {
    const argv = removeImageArgv(...(names.length === 0 ? [id] : names));
    const what = `remove the image ${names[0] ?? id.slice(0, 12)}`;
    const result = await this.#exec(argv, this.#options.changeTimeoutMs, signal);
    // Somebody else was faster.
    if (result.code !== 0 && isUnknownImage(result.stderr)) return;
    if (/image is in use by/i.test(result.stderr)) {
      throw new McpError("conflict", `Cannot ${what}: a container is made from it`);
    }
    requireSuccess(what, result);
  }

  async listSecrets(signal?: AbortSignal): Promise<ReadonlySet<string>> {
    const output = await this.#read("list the secrets", listSecretsArgv(), signal);
    return new Set(output.split("\n").map((name) => name.trim()).filter((name) => name !== ""));
  }

  async createSecret(name: string, value: Uint8Array, signal?: AbortSignal): Promise<void> {
    const what = `keep the secret "${name}"`;
    const { changeTimeoutMs } = this.#options;
    const result = await this.#exec(createSecretArgv(name), changeTimeoutMs, signal, {
      stdin: value,
    });
    // "mcp.shop.password.1: secret name in use"
    if (result.code !== 0 && /secret name in use/i.test(result.stderr)) {
      throw new McpError("conflict", `Cannot ${what}: the name is taken`);
    }
    requireSuccess(what, result);
  }

  async removeSecret(name: string, signal?: AbortSignal): Promise<boolean> {
    const { changeTimeoutMs } = this.#options;
    const result = await this.#exec(removeSecretArgv(name), changeTimeoutMs, signal);
    if (result.code !== 0 && /no such secret/i.test(result.stderr)) return false;
    requireSuccess(`remove the secret "${name}"`, result);
    return true;
  }

  async readLog(name: string, options: LogOptions): Promise<void> {
    const { follow, since, tail, signal, onRecord } = options;
    const what = `read the log of container "${name}"`;
    // A whole id is the beginning of no other.
    const isId = /^[0-9a-f]{64}$/.test(name);
    const argv = [
      ...podmanArgv(this.#options.target),
      ...readLogArgv(isId ? name : await this.#handle(what, name, signal), {
        follow,
        since: since === undefined ? undefined : formatLogTime(since),
        tail,
      }),
    ];
    log.podman.debug("{argv}", { argv: argv.join(" ") });
    let said = "";
    const take = (isStderr: boolean) => (line: string) => {
      const record = parseLogLine(line);
      if (record !== undefined) return onRecord({ ...record, isStderr });
      // What has no time is podman's own.
      said = line;
    };
    const code = await this.#options.follow(argv, {
      signal,
      onLine: take(false),
      onErrorLine: take(true),
      takesUnfinished: true,
    });
    if (code === 0 || signal.aborted) return;
    // Of an absent container `podman --remote` 4.3 says that it "lost synchronization".
    const found = await this.#exec(inspectArgv(name), this.#options.readTimeoutMs, signal);
    if (isAbsent(said) || isAbsent(found.stderr)) throw absent(what);
    requireSuccess(what, { code, stdout: "", stderr: said });
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

  /** What is printed about those that exist; podman fails for the others, and goes on. */
  async #inspectAll(argv: string[], signal: AbortSignal | undefined): Promise<string> {
    const result = await this.#exec(argv, this.#options.readTimeoutMs, signal);
    const isPartial = isAbsent(result.stderr) || /image not known/i.test(result.stderr);
    if (result.code !== 0 && isPartial && result.stdout.trim() !== "") return result.stdout;
    return requireSuccess("look at the containers closely", result);
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
    more: Pick<ExecOptions, "onStderrLine" | "stdin"> = {},
  ): Promise<ExecResult> {
    const argv = [...podmanArgv(this.#options.target), ...args];
    log.podman.debug("{argv}", { argv: argv.map(quoteForReading).join(" ") });
    return await this.#options.exec(argv, { timeoutMs, signal, maxOutputBytes, ...more });
  }
}

function chunks<T>(values: readonly T[]): T[][] {
  return Array.from(
    { length: Math.ceil(values.length / inspectedAtOnce) },
    (_, at) => values.slice(at * inspectedAtOnce, (at + 1) * inspectedAtOnce),
  );
}

function absent(what: string): McpError {
  return new McpError("not_found", `Cannot ${what}`, { cause: new Error("no such container") });
}

/** podman 4.3 to 5: `no container with name or ID "x" found: no such container`. */
function isAbsent(stderr: string): boolean {
  return /no such container|no container with name or ID/i.test(stderr);
}

/** podman 4.3: `inspecting object: x: image not known`. */
function isUnknownImage(stderr: string): boolean {
  return /image not known|no such image/i.test(stderr);
}

function isBetweenStates({ code, stderr }: ExecResult): boolean {
  return code !== 0 && /container state improper|PIDs did not die/i.test(stderr);
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
