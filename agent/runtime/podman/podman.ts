/**
 * `ContainerRuntime` by podman.
 *
 * What changes anything is done by its command line, and so are the verbs that print as they go;
 * what only reads is asked by a {@link PodmanReader}. podman has no deadlines: each verb brings one.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import type { ExecResult } from "../../../lib/system/exec.ts";
import type {
  CommandResult,
  ContainerDetail,
  ContainerRuntime,
  DescribedContainer,
  LogOptions,
  NewContainer,
  RuntimeEvent,
  StoredImage,
} from "../runtime.ts";
import type { PodmanSocket } from "./api.ts";
import { ApiReader } from "./api_reader.ts";
import {
  createArgv,
  createSecretArgv,
  execArgv,
  logTailArgv,
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
} from "./argv.ts";
import {
  absent,
  isAbsent,
  isUnknownImage,
  PodmanCli,
  type PodmanCliOptions,
  requireSuccess,
} from "./cli.ts";
import { CliReader } from "./cli_reader.ts";
import { formatLogTime, parseLogLine } from "./log_line.ts";
import { parseDescription, parseDescriptions, parseImageIds, parseInspections } from "./output.ts";
import type { PodmanReader } from "./reader.ts";

/** What podman needs to be run, and how long it may take. */
interface PodmanOptions extends PodmanCliOptions {
  /** Where what only reads is asked; without it podman is run for that as well. */
  readonly socket?: PodmanSocket | undefined;
  readonly pullTimeoutMs: number;
  /** Verbs that only read answer at once: 15 s unless it is said. */
  readonly readTimeoutMs?: number;
  /** Verbs that change things may queue behind podman's locks: 60 s unless it is said. */
  readonly changeTimeoutMs?: number;
  /** How long a port is waited for that a container may just be letting go of: 2 s unless it is said. */
  readonly portPatienceMs?: number;
  /** For how long podman is asked at once to tell of events: 5 min unless it is said. */
  readonly eventsForMs?: number;
}

const removeAttempts = 5;
/** Between two tries to start a container on a port that is not free yet. */
const portPauseMs = 100;
/** Characters that are kept of what a command in a container prints. */
const keptOutput = 1_000;
/** How many containers or images are described with one question. */
const describedAtOnce = 50;

/** {@link ContainerRuntime} by podman. */
export class Podman implements ContainerRuntime {
  readonly #cli: PodmanCli;
  readonly #reader: PodmanReader;
  readonly #pullTimeoutMs: number;
  readonly #readTimeoutMs: number;
  readonly #changeTimeoutMs: number;
  readonly #portPatienceMs: number;

  constructor(options: PodmanOptions) {
    const { socket, readTimeoutMs = 15_000, changeTimeoutMs = 60_000, pullTimeoutMs } = options;
    const { eventsForMs = 300_000 } = options;
    this.#cli = new PodmanCli(options);
    this.#reader = socket === undefined
      ? new CliReader(this.#cli, { timeoutMs: readTimeoutMs, eventsForMs })
      : new ApiReader(socket, readTimeoutMs);
    this.#pullTimeoutMs = pullTimeoutMs;
    this.#readTimeoutMs = readTimeoutMs;
    this.#changeTimeoutMs = changeTimeoutMs;
    this.#portPatienceMs = options.portPatienceMs ?? 2_000;
  }

  async version(signal?: AbortSignal) {
    return await this.#reader.version(signal);
  }

  async info(signal?: AbortSignal) {
    return await this.#reader.info(signal);
  }

  async list(signal?: AbortSignal) {
    return await this.#reader.list(signal);
  }

  async inspect(name: string, signal?: AbortSignal) {
    return (await this.#inspect(`inspect container "${name}"`, [name], signal)).get(name);
  }

  async inspectAll(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, ContainerDetail>> {
    if (names.length === 0) return new Map();
    return await this.#inspect("look at containers", names, signal);
  }

  async inspectImages(images: readonly string[], signal?: AbortSignal) {
    return await this.#reader.inspectImages(images, signal);
  }

  async pull(
    image: string,
    signal?: AbortSignal,
    onProgress?: (line: string) => void,
  ): Promise<void> {
    const argv = pullArgv(image, { quiet: onProgress === undefined });
    const onStderrLine = onProgress && ((line: string) => {
      const said = line.trim();
      if (said !== "" && !said.startsWith("Error: ")) onProgress(said);
    });
    const what = `pull the image "${image}"`;
    const options = onStderrLine === undefined ? {} : { onStderrLine };
    try {
      requireSuccess(what, await this.#cli.run(argv, this.#pullTimeoutMs, signal, options));
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
    const { code, stdout, stderr } = await this.#cli.run(argv, timeoutMs, signal);
    if (code !== 0 && isAbsent(stderr)) throw absent(what);
    const said = [stdout.trim(), stderr.trim()].filter((text) => text !== "").join("\n");
    return { code, output: said.slice(-keptOutput) };
  }

  async run(container: NewContainer, signal?: AbortSignal, after?: Promise<void>): Promise<void> {
    const what = `run container "${container.name}"`;
    const pullMs = container.pull === "missing" ? this.#pullTimeoutMs : 0;
    const argv = after === undefined ? runArgv(container) : createArgv(container);
    const making = this.#cli.run(argv, pullMs + this.#changeTimeoutMs, signal);
    // Whichever fails, the other one has ended as well before that is told.
    const [ended, made] = await Promise.allSettled([after, making]);
    if (ended.status === "rejected") throw ended.reason;
    if (made.status === "rejected") throw made.reason;
    let result = made.value;
    if (after !== undefined) {
      const id = requireSuccess(what, result).trim();
      result = await this.#cli.run(startArgv(id), this.#changeTimeoutMs, signal);
    }
    await this.#requireStarted(what, container.name, result, signal);
  }

  async start(name: string, signal?: AbortSignal): Promise<void> {
    const what = `start container "${name}"`;
    const argv = startArgv(await this.#handle(what, name, signal));
    const result = await this.#cli.run(argv, this.#changeTimeoutMs, signal);
    await this.#requireStarted(what, name, result, signal);
  }

  async stop(name: string, graceMs: number, signal?: AbortSignal): Promise<void> {
    const what = `stop container "${name}"`;
    const argv = stopArgv(await this.#handle(what, name, signal), graceMs);
    requireSuccess(what, await this.#runKnowing(argv, graceMs + this.#changeTimeoutMs, signal));
  }

  async restart(name: string, graceMs: number, signal?: AbortSignal): Promise<void> {
    const what = `restart container "${name}"`;
    const argv = restartArgv(await this.#handle(what, name, signal), graceMs);
    const result = await this.#runKnowing(argv, graceMs + this.#changeTimeoutMs, signal);
    await this.#requireStarted(what, name, result, signal);
  }

  async lastExitCode(name: string, signal?: AbortSignal): Promise<number | undefined> {
    const what = `see how container "${name}" ended`;
    // By its id: events remember the name that a container had then.
    const found = await this.inspect(name, signal);
    if (found === undefined) throw absent(what);
    return await this.#reader.lastDeath(what, found.id, signal);
  }

  async rename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    const what = `rename container "${from}" to "${to}"`;
    await this.#change(what, renameArgv(await this.#handle(what, from, signal), to), signal);
  }

  async remove(name: string, signal?: AbortSignal): Promise<boolean> {
    const what = `remove container "${name}"`;
    const handle = await this.#find(name, signal);
    if (handle === undefined) return false;
    let result = await this.#runKnowing(removeArgv(handle), this.#changeTimeoutMs, signal);
    // A container that crashes and is restarted may be between the two when podman wants to kill it:
    // "cannot remove container … as it could not be stopped: … container state improper" (4.3); and
    // of one that shares the node's processes, "given PIDs did not die within timeout" (5: "PID").
    for (let again = 1; again < removeAttempts && isBetweenStates(result); again++) {
      result = await this.#cli.run(removeArgv(handle), this.#changeTimeoutMs, signal);
    }
    // `rm --force` of an absent container is an error on some versions; 4.3 just prints nothing.
    if (result.code !== 0 && isAbsent(result.stderr)) return false;
    return requireSuccess(what, result).trim() !== "";
  }

  async watch(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    await this.#reader.watch(onEvent, signal);
  }

  async describe(name: string, component: string, signal?: AbortSignal) {
    const what = `describe container "${name}"`;
    const found = await this.inspect(name, signal);
    if (found === undefined) throw absent(what);
    const container = await this.#reader.containers(what, [found.id], signal);
    const imageIds = parseImageIds(container);
    if (imageIds.length === 0) throw absent(what);
    const image = await this.#reader.images(what, imageIds, signal);
    return parseDescription(component, container, image);
  }

  async describeAll(ids: readonly string[], signal?: AbortSignal) {
    const what = "look at the containers closely";
    const described = new Map<string, DescribedContainer>();
    /** What was said about each image. */
    const images = new Map<string, string>();
    for (const some of chunks(ids)) {
      const containers = await this.#reader.containers(what, some, signal);
      const missing = parseImageIds(containers).filter((id) => !images.has(id));
      for (const imageIds of chunks(missing)) {
        const output = await this.#reader.images(what, imageIds, signal);
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
    const isThere = () => this.#reader.hasProcesses(handle, signal);
    if (await isThere()) return false;
    const before = await this.inspect(name, signal);
    if (before?.status !== "running" || await isThere()) return false;
    const after = await this.inspect(name, signal);
    return after?.status === "running" &&
      after.startedAt?.getTime() === before.startedAt?.getTime();
  }

  async listImages(signal?: AbortSignal): Promise<StoredImage[]> {
    return await this.#reader.listImages(signal);
  }

  async discardImage({ id, names }: StoredImage, signal?: AbortSignal): Promise<void> {
    const argv = removeImageArgv(...(names.length === 0 ? [id] : names));
    const what = `remove the image ${names[0] ?? id.slice(0, 12)}`;
    const result = await this.#cli.run(argv, this.#changeTimeoutMs, signal);
    // It was removed meanwhile.
    if (result.code !== 0 && isUnknownImage(result.stderr)) return;
    if (/image is in use by/i.test(result.stderr)) {
      throw new McpError("conflict", `Cannot ${what}: a container is made from it`);
    }
    requireSuccess(what, result);
  }

  async listSecrets(signal?: AbortSignal): Promise<ReadonlySet<string>> {
    return await this.#reader.listSecrets(signal);
  }

  async createSecret(name: string, value: Uint8Array, signal?: AbortSignal): Promise<void> {
    const what = `keep the secret "${name}"`;
    const result = await this.#cli.run(createSecretArgv(name), this.#changeTimeoutMs, signal, {
      stdin: value,
    });
    // "mcp.shop.password.1: secret name in use"
    if (result.code !== 0 && /secret name in use/i.test(result.stderr)) {
      throw new McpError("conflict", `Cannot ${what}: the name is taken`);
    }
    requireSuccess(what, result);
  }

  async removeSecret(name: string, signal?: AbortSignal): Promise<boolean> {
    const result = await this.#cli.run(removeSecretArgv(name), this.#changeTimeoutMs, signal);
    if (result.code !== 0 && /no such secret/i.test(result.stderr)) return false;
    requireSuccess(`remove the secret "${name}"`, result);
    return true;
  }

  async readLog(name: string, options: LogOptions): Promise<void> {
    const { follow, since, tail, signal, onRecord } = options;
    const what = `read the log of container "${name}"`;
    // A whole id is the beginning of no other.
    const isId = /^[0-9a-f]{64}$/.test(name);
    const argv = readLogArgv(isId ? name : await this.#handle(what, name, signal), {
      follow,
      since: since === undefined ? undefined : formatLogTime(since),
      tail,
    });
    let said = "";
    const take = (isStderr: boolean) => (line: string) => {
      const record = parseLogLine(line);
      if (record !== undefined) return onRecord({ ...record, isStderr });
      // What has no time is podman's own.
      said = line;
    };
    const code = await this.#cli.follow(argv, {
      signal,
      onLine: take(false),
      onErrorLine: take(true),
      takesUnfinished: true,
    });
    if (code === 0 || signal.aborted) return;
    // Of an absent container `podman --remote` 4.3 says that it "lost synchronization".
    const found = parseInspections(await this.#reader.containers(what, [name], signal));
    if (isAbsent(said) || found.size === 0) throw absent(what);
    requireSuccess(what, { code, stdout: "", stderr: said });
  }

  async logTail(name: string, lines: number, signal?: AbortSignal): Promise<string[]> {
    const what = `read the log of container "${name}"`;
    const argv = logTailArgv(await this.#handle(what, name, signal), lines);
    const result = await this.#cli.run(argv, this.#readTimeoutMs, signal);
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

  /** Containers by their names: podman looks ids up as well. */
  async #inspect(
    what: string,
    names: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, ContainerDetail>> {
    const found = parseInspections(await this.#reader.containers(what, names, signal));
    return new Map([...found].filter(([name]) => names.includes(name)));
  }

  async #change(what: string, argv: string[], signal: AbortSignal | undefined): Promise<void> {
    requireSuccess(what, await this.#cli.run(argv, this.#changeTimeoutMs, signal));
  }

  /**
   * Runs podman, and once more where it has only learned then that the container has ended: of one
   * that was killed with its conmon podman 5 fails the first time.
   */
  async #runKnowing(
    argv: readonly string[],
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<ExecResult> {
    const result = await this.#cli.run(argv, timeoutMs, signal);
    if (result.code === 0 || !/conmon exited prematurely/i.test(result.stderr)) return result;
    return await this.#cli.run(argv, timeoutMs, signal);
  }

  /**
   * Sees to it that a container has been started, or fails.
   *
   * podman 5 does not wait for pasta, which holds a container's ports: they are taken for some
   * milliseconds after the container has ended, and then `podman restart` fails on its own port
   * (containers/podman#23737). The container is there by then, so starting it is tried again.
   */
  async #requireStarted(
    what: string,
    name: string,
    first: ExecResult,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let result = first;
    const giveUpAt = performance.now() + this.#portPatienceMs;
    while (isPortOfPastaTaken(result) && performance.now() < giveUpAt && !signal?.aborted) {
      await new Promise((resolve) => setTimeout(resolve, portPauseMs));
      const argv = startArgv(await this.#handle(what, name, signal));
      result = await this.#cli.run(argv, this.#changeTimeoutMs, signal);
    }
    requireSuccess(what, result);
  }
}

function chunks<T>(values: readonly T[]): T[][] {
  return Array.from(
    { length: Math.ceil(values.length / describedAtOnce) },
    (_, at) => values.slice(at * describedAtOnce, (at + 1) * describedAtOnce),
  );
}

function isBetweenStates({ code, stderr }: ExecResult): boolean {
  return code !== 0 && /container state improper|PIDs? did not die/i.test(stderr);
}

/** "pasta failed with exit code 1:" and "Failed to bind port 8080 (Address already in use) for …". */
function isPortOfPastaTaken({ code, stderr }: ExecResult): boolean {
  return code !== 0 && /pasta failed/i.test(stderr) && /address already in use/i.test(stderr);
}
