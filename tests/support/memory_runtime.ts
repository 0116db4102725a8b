/**
 * A {@link ContainerRuntime} without podman that behaves as podman 4.3 does.
 *
 * What a container does is scripted per image and follows from the clock alone: nothing runs, and
 * a container that crashes after a second has crashed once the clock is a second further. The
 * contract in `tests/contracts/container_runtime.ts` keeps it like the real thing.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { componentDefaults } from "../../lib/domain/component_spec.ts";
import { parsePort } from "../../lib/domain/mappings.ts";
import { maxSecretBytes } from "../../lib/domain/secret_mount.ts";
import { McpError } from "../../lib/errors.ts";
import type { Clock } from "../../lib/system/clock.ts";
import type {
  CommandResult,
  ContainerDescription,
  ContainerDetail,
  ContainerRuntime,
  ContainerStatus,
  DescribedContainer,
  ImageDetail,
  LogOptions,
  LogRecord,
  NewContainer,
  RuntimeEvent,
  RuntimeInfo,
  StoredImage,
} from "../../agent/runtime/runtime.ts";

/** What the process of a container does; it runs until it is stopped unless something is said. */
export interface ContainerScript {
  /** Ends by itself this long after each start. */
  readonly exit?: { readonly code: number; readonly afterMs: number; readonly oomKilled?: boolean };
  /** How many starts end that way; all unless it is said. */
  readonly exits?: number;
  /** Printed at each start. */
  readonly log?: readonly string[] | ((cmd: readonly string[]) => readonly string[]);
  /** Why it cannot be started, e.g. a missing command; the container stays "created". */
  readonly startFailure?: string;
  /** Has to be killed when it is stopped. */
  readonly ignoresStop?: boolean;
  /** How a command ends that is run in it; well unless it is said. */
  readonly exec?: (command: readonly string[]) => CommandResult;
}

/** A verb of the runtime. */
export type Verb = keyof ContainerRuntime;

/** When a fault or a hold applies. */
export interface FaultOptions {
  /** How many calls are met; all unless it is said. */
  readonly times?: number;
  /** Which calls are met, by their line in `calls`; all of the verb unless it is said. */
  readonly when?: string | RegExp;
  /** The verb does its work first, and then says that it failed. */
  readonly afterwards?: boolean;
}

/** Calls that are kept waiting. */
export interface Hold {
  /** Resolves when the first call is waiting. */
  readonly reached: Promise<void>;
  /** Lets waiting calls go on, and holds no more. */
  release(): void;
}

/** How a memory runtime begins. */
export interface MemoryRuntimeOptions {
  readonly clock: Pick<Clock, "now">;
  /** Images that can be pulled and whose containers run until they are stopped. */
  readonly images?: readonly string[];
}

interface Image {
  readonly script: ContainerScript;
  readonly id: string;
}

interface Container {
  readonly id: string;
  name: string;
  readonly made: NewContainer;
  /** What no spec can say of it. */
  readonly unexpressed: readonly string[];
  readonly script: ContainerScript;
  readonly imageId: string;
  status: "created" | "running" | "exited";
  exitCode: number;
  lastExitCode: number | undefined;
  oomKilled: boolean;
  /** It is listed as running, and there is no process. */
  hasVanished: boolean;
  startedAt: number | undefined;
  restartCount: number;
  /** How often its process was started. */
  starts: number;
  readonly log: LogRecord[];
  /** What was mounted when it was made: it keeps it when the secret is gone. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

interface Fault {
  readonly verb: Verb;
  readonly error: McpError | undefined;
  readonly options: FaultOptions;
  left: number;
  readonly reached: PromiseWithResolvers<void>;
  readonly released: Promise<void> | undefined;
}

/** As a node is set up on which nothing is wrong. */
const wellSetUp: RuntimeInfo = {
  version: "4.3.1",
  rootless: true,
  cgroupVersion: "v2",
  cgroupControllers: ["cpuset", "cpu", "io", "memory", "pids"],
  cgroupManager: "systemd",
  networkCommand: "",
  logDriver: "k8s-file",
  eventLogger: "file",
  storage: {
    driver: "overlay",
    folder: "/var/lib/mcp/.local/share/containers/storage",
    totalBytes: 64 * 1024 ** 3,
    freeBytes: 48 * 1024 ** 3,
  },
  userIds: [{ start: 995, count: 1 }, { start: 200_000, count: 65_536 }],
  groupIds: [{ start: 995, count: 1 }, { start: 200_000, count: 65_536 }],
};

/** podman has no backoff; this is about what a restart takes it. */
const restartTakesMs = 100;

/** {@link ContainerRuntime} in memory. */
export class MemoryRuntime implements ContainerRuntime {
  /** Every call, in order, the failing ones too, e.g. "pull a.example/web:v1" or "stop web". */
  readonly calls: string[] = [];
  /** How it is set up, where that is not as it should be. */
  setUp: Partial<RuntimeInfo> = {};
  readonly #clock: Pick<Clock, "now">;
  readonly #pullable = new Map<string, Image>();
  readonly #present = new Map<string, Image>();
  /** By id; one that its name does not mean any more is still on the node. */
  readonly #stored = new Map<string, Image>();
  /** How many images had a name so far. */
  readonly #generations = new Map<string, number>();
  readonly #containers: Container[] = [];
  /** Their values, by their names. */
  readonly #secrets = new Map<string, Uint8Array>();
  /** Beginnings of the images whose registry does not answer. */
  readonly #unreachable = new Set<string>();
  /** Ports of the node that programs outside any container hold. */
  readonly #foreignPorts = new Set<number>();
  #faults: Fault[] = [];
  readonly #watchers = new Set<
    { readonly onEvent: (event: RuntimeEvent) => void; readonly end: () => void }
  >();
  /** Who follows a log and waits. */
  readonly #readers = new Set<() => void>();
  #count = 0;

  constructor({ clock, images = [] }: MemoryRuntimeOptions) {
    this.#clock = clock;
    for (const image of images) this.publish(image);
  }

  // --- What a test arranges ---

  /** Makes an image that can be pulled; a name that was published before means another one now. */
  publish(image: string, script: ContainerScript = {}): void {
    this.#pullable.set(image, this.#make(image, script));
  }

  /** Makes an image on the node itself. */
  build(image: string, script: ContainerScript = {}): void {
    this.#store(image, this.#make(image, script));
  }

  /** Removes an image from the node, by name or id; its containers stay. */
  removeImage(reference: string): void {
    const image = this.#findImage(reference);
    if (image === undefined) return;
    this.#stored.delete(image.id);
    for (const [name, { id }] of this.#present) if (id === image.id) this.#present.delete(name);
  }

  #store(name: string, image: Image): void {
    this.#present.set(name, image);
    this.#stored.set(image.id, image);
  }

  #make(name: string, script: ContainerScript): Image {
    const generation = this.#generations.get(name) ?? 0;
    this.#generations.set(name, generation + 1);
    return { script, id: hexOf(`image ${name}${generation === 0 ? "" : ` ${generation}`}`) };
  }

  /** Removes an image from its registry. */
  unpublish(image: string): void {
    this.#pullable.delete(image);
  }

  /** Lets registries not answer: those of images that begin like this. Disposing of it ends that. */
  takeRegistryDown(prefix = ""): Disposable {
    this.#unreachable.add(prefix);
    return { [Symbol.dispose]: () => this.#unreachable.delete(prefix) };
  }

  /** Lets another program listen on a port of the node; disposing of it ends that. */
  takePort(port: number): Disposable {
    this.#foreignPorts.add(port);
    return { [Symbol.dispose]: () => this.#foreignPorts.delete(port) };
  }

  /** Tells whoever watches of something that happened. */
  tell(event: RuntimeEvent): void {
    for (const { onEvent } of this.#watchers) onEvent(event);
  }

  /** Ends the streams of those who watch, without a word, as podman does when it restarts. */
  endStreams(): void {
    for (const { end } of this.#watchers) end();
  }

  /** Makes a container as somebody would by hand, beside MCP, and starts it. */
  async runByHand(
    name: string,
    options: {
      readonly image?: string;
      readonly labels?: Readonly<Record<string, string>>;
      readonly restart?: string;
      readonly ports?: readonly string[];
      readonly volumes?: readonly string[];
      readonly unexpressed?: readonly string[];
      readonly script?: ContainerScript;
    } = {},
  ): Promise<void> {
    const image = options.image ?? "localhost/by-hand:latest";
    if (options.script !== undefined || !this.#present.has(image)) {
      this.build(image, options.script);
    }
    await this.#run({
      name,
      spec: {
        ...componentDefaults,
        name,
        image,
        restart: options.restart ?? "no",
        ports: options.ports ?? [],
        volumes: options.volumes ?? [],
      },
      labels: options.labels ?? {},
      pull: "never",
    }, options.unexpressed);
  }

  /** `podman rm --force` by somebody else. */
  removeByHand(name: string): void {
    this.#delete(this.#require(name, "remove"));
  }

  /** `podman stop` by somebody else. */
  stopByHand(name: string): void {
    this.#stop(this.#require(name, "stop"));
  }

  /** The process of a running container ends; its restart policy decides what follows. */
  crash(name: string, exitCode: number): void {
    const container = this.#require(name, "crash");
    this.#end(container, exitCode, this.#clock.now().getTime(), false);
  }

  /** The process of a container prints a line. */
  print(name: string, text: string, options: { readonly isStderr?: boolean } = {}): void {
    this.#print(this.#require(name, "print"), text, options);
  }

  /** Its process and what looks after it are killed: it is listed as running for ever. */
  vanish(name: string): void {
    this.#require(name, "vanish").hasVanished = true;
  }

  /** Lets what follows from the clock happen now, as it does without anybody looking. */
  live(): void {
    this.#live();
  }

  /**
   * Makes a verb fail, by default with what podman would say when it cannot be asked.
   *
   * Faults are met in the order in which they were made.
   */
  fail(verb: Verb, error?: McpError, options: FaultOptions = {}): void {
    const unavailable = new McpError("unavailable", `Cannot ${verb}: podman is out of order`);
    this.#addFault(verb, error ?? unavailable, options, undefined);
  }

  /** Makes a verb wait until it is called off; resolves when the first call waits. */
  hang(verb: Verb, options: FaultOptions = {}): Promise<void> {
    const never = new Promise<void>(() => {});
    return this.#addFault(verb, undefined, options, never).reached.promise;
  }

  /** Makes a verb wait until it is released. */
  hold(verb: Verb, options: FaultOptions = {}): Hold {
    const { promise, resolve } = Promise.withResolvers<void>();
    const fault = this.#addFault(verb, undefined, options, promise);
    return {
      reached: fault.reached.promise,
      release: () => {
        this.#faults = this.#faults.filter((other) => other !== fault);
        resolve();
      },
    };
  }

  /** Ends all faults. */
  heal(): void {
    this.#faults = [];
  }

  /** Names and states in one line each, sorted, e.g. "web running"; what `podman ps -a` shows. */
  get containers(): string[] {
    this.#live();
    return this.#containers.map(({ name, status }) => `${name} ${status}`).sort();
  }

  /** Names of the secrets that are kept, sorted. */
  get secrets(): string[] {
    return [...this.#secrets.keys()].sort();
  }

  /** Makes a secret as somebody would by hand, beside MCP. */
  keepByHand(name: string, value: string): void {
    this.#secrets.set(name, new TextEncoder().encode(value));
  }

  /** `podman secret rm` by somebody else. */
  loseSecret(name: string): void {
    this.#secrets.delete(name);
  }

  /** What a container finds in a file, if a secret is mounted there. */
  secretFile(name: string, target: string): string | undefined {
    const value = this.#require(name, "read a file of").files.get(target);
    return value && new TextDecoder().decode(value);
  }

  // --- ContainerRuntime ---

  async version(signal?: AbortSignal): Promise<string> {
    return await this.#call("version", "version", signal, () => "4.3.1");
  }

  async info(signal?: AbortSignal): Promise<RuntimeInfo> {
    return await this.#call("info", "info", signal, () => ({ ...wellSetUp, ...this.setUp }));
  }

  async list(signal?: AbortSignal): Promise<ContainerStatus[]> {
    return await this.#call(
      "list",
      "list",
      signal,
      () =>
        this.#containers.map((container): ContainerStatus => ({
          id: container.id,
          name: container.name,
          image: container.made.spec.image,
          imageId: container.imageId,
          status: container.status,
          exitCode: container.status === "exited" ? container.exitCode : undefined,
          // A listing has whole seconds only.
          startedAt: container.startedAt === undefined
            ? undefined
            : new Date(Math.floor(container.startedAt / 1000) * 1000),
          labels: container.made.labels,
        })),
    );
  }

  async inspect(name: string, signal?: AbortSignal): Promise<ContainerDetail | undefined> {
    return await this.#call("inspect", `inspect ${name}`, signal, () => {
      const container = this.#find(name);
      return container && detailOf(container);
    });
  }

  async inspectAll(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, ContainerDetail>> {
    return await this.#call("inspectAll", `inspectAll ${names.join(" ")}`, signal, () => {
      const found = this.#containers.filter(({ name }) => names.includes(name));
      return new Map(found.map((container) => [container.name, detailOf(container)]));
    });
  }

  async inspectImages(
    images: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, ImageDetail>> {
    return await this.#call("inspectImages", `inspectImages ${images.join(" ")}`, signal, () => {
      const found = images.flatMap((name): [string, ImageDetail][] => {
        const image = this.#findImage(name);
        return image === undefined
          ? []
          : [[name, { id: image.id, digest: `sha256:${hexOf(`manifest of ${image.id}`)}` }]];
      });
      return new Map(found);
    });
  }

  async pull(
    image: string,
    signal?: AbortSignal,
    onProgress?: (line: string) => void,
  ): Promise<void> {
    await this.#call("pull", `pull ${image}`, signal, () => {
      onProgress?.(`Trying to pull ${image}...`);
      this.#pull(image, "pull the image");
    });
  }

  async exec(
    name: string,
    command: readonly string[],
    _timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<CommandResult> {
    return await this.#call("exec", `exec ${name} ${command.join(" ")}`, signal, () => {
      const { status, script } = this.#require(name, `run ${command[0]} in`);
      if (status !== "running") return { code: 255, output: "container state improper" };
      return script.exec?.(command) ?? { code: 0, output: "" };
    });
  }

  async run(container: NewContainer, signal?: AbortSignal, after?: Promise<void>): Promise<void> {
    const { name, spec } = container;
    await after;
    await this.#call("run", `run ${name} ${spec.image}`, signal, () => this.#run(container));
  }

  async start(name: string, signal?: AbortSignal): Promise<void> {
    await this.#call("start", `start ${name}`, signal, () => {
      const container = this.#require(name, "start");
      if (container.status !== "running") this.#start(container, `start container "${name}"`);
    });
  }

  async stop(name: string, _graceMs: number, signal?: AbortSignal): Promise<void> {
    await this.#call("stop", `stop ${name}`, signal, () => this.#stop(this.#require(name, "stop")));
  }

  async restart(name: string, _graceMs: number, signal?: AbortSignal): Promise<void> {
    await this.#call("restart", `restart ${name}`, signal, () => {
      const container = this.#require(name, "restart");
      this.#stop(container);
      this.#start(container, `restart container "${name}"`);
    });
  }

  async lastExitCode(name: string, signal?: AbortSignal): Promise<number | undefined> {
    return await this.#call(
      "lastExitCode",
      `lastExitCode ${name}`,
      signal,
      () => this.#require(name, "see the end of").lastExitCode,
    );
  }

  async rename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    await this.#call("rename", `rename ${from} ${to}`, signal, () => {
      const container = this.#require(from, "rename");
      const taken = this.#find(to);
      if (taken !== undefined && taken !== container) {
        throw failure("conflict", `rename container "${from}" to "${to}"`, [
          `name ${to} already in use, cannot rename container ${container.id}`,
          "container already exists",
        ]);
      }
      container.name = to;
    });
  }

  async remove(name: string, signal?: AbortSignal): Promise<boolean> {
    return await this.#call("remove", `remove ${name}`, signal, () => {
      const container = this.#find(name);
      if (container === undefined) return false;
      this.#delete(container);
      return true;
    });
  }

  async describe(
    name: string,
    component: string,
    signal?: AbortSignal,
  ): Promise<ContainerDescription> {
    return await this.#call("describe", `describe ${name}`, signal, () => {
      const { made, unexpressed } = this.#require(name, "describe");
      return { spec: { ...made.spec, name: component }, unexpressed };
    });
  }

  async describeAll(
    ids: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, DescribedContainer>> {
    return await this.#call("describeAll", `describeAll ${ids.length}`, signal, () => {
      const found = this.#containers.filter(({ id }) => ids.includes(id));
      return new Map(found.map((container) => [container.id, describedWhole(container)]));
    });
  }

  async hasVanished(name: string, signal?: AbortSignal): Promise<boolean> {
    return await this.#call("hasVanished", `hasVanished ${name}`, signal, () => {
      const container = this.#find(name);
      return container?.status === "running" && container.hasVanished;
    });
  }

  async watch(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await this.#call("watch", "watch", signal, () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const watcher = { onEvent, end: resolve };
      this.#watchers.add(watcher);
      signal.addEventListener("abort", () => resolve(), { once: true });
      return promise.finally(() => this.#watchers.delete(watcher));
    });
  }

  async listImages(signal?: AbortSignal): Promise<StoredImage[]> {
    return await this.#call(
      "listImages",
      "listImages",
      signal,
      () =>
        [...this.#stored.values()].map(({ id }) => ({
          id,
          digest: `sha256:${hexOf(`manifest of ${id}`)}`,
          names: [...this.#present].flatMap(([name, image]) => image.id === id ? [name] : []),
          bytes: 1_000_000,
        })),
    );
  }

  async discardImage({ id }: StoredImage, signal?: AbortSignal): Promise<void> {
    await this.#call("discardImage", `discardImage ${id}`, signal, () => {
      if (this.#containers.some(({ imageId }) => imageId === id)) {
        throw new McpError("conflict", "Cannot remove the image: a container is made from it");
      }
      this.removeImage(id);
    });
  }

  async listSecrets(signal?: AbortSignal): Promise<ReadonlySet<string>> {
    return await this.#call(
      "listSecrets",
      "listSecrets",
      signal,
      () => new Set(this.#secrets.keys()),
    );
  }

  async createSecret(name: string, value: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#call("createSecret", `createSecret ${name}`, signal, () => {
      if (this.#secrets.has(name)) {
        throw new McpError("conflict", `Cannot keep the secret "${name}": the name is taken`);
      }
      if (value.byteLength === 0 || value.byteLength > maxSecretBytes) {
        throw failure("unavailable", `keep the secret "${name}"`, [
          "secret data must be larger than 0 and less than 512000 bytes",
        ]);
      }
      this.#secrets.set(name, value.slice());
    });
  }

  async removeSecret(name: string, signal?: AbortSignal): Promise<boolean> {
    return await this.#call(
      "removeSecret",
      `removeSecret ${name}`,
      signal,
      () => this.#secrets.delete(name),
    );
  }

  async readLog(name: string, options: LogOptions): Promise<void> {
    const { follow, since, tail, signal, onRecord } = options;
    let told = 0;
    const container = await this.#call("readLog", `readLog ${name}`, signal, () => {
      const found = this.#findAny(name);
      if (found === undefined) throw absentContainer(name, "read the log of");
      told = tail === undefined ? 0 : Math.max(0, found.log.length - tail);
      return found;
    }).catch((error) => {
      if (!signal.aborted) throw error;
    });
    while (!signal.aborted && container !== undefined) {
      for (let record = container.log[told]; record !== undefined; record = container.log[told]) {
        told++;
        if (since === undefined || record.at > since) await onRecord(record);
        if (signal.aborted) return;
      }
      if (!follow || container.status !== "running" || this.#findAny(container.id) === undefined) {
        return;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#readers.add(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
    }
  }

  async logTail(name: string, lines: number, signal?: AbortSignal): Promise<string[]> {
    return await this.#call("logTail", `logTail ${name}`, signal, () => {
      const { log } = this.#require(name, "read the log of");
      return log.slice(Math.max(0, log.length - lines)).map(({ text }) => text);
    });
  }

  // --- How it works ---

  async #call<T>(
    verb: Verb,
    line: string,
    signal: AbortSignal | undefined,
    work: () => T | Promise<T>,
  ): Promise<T> {
    this.calls.push(line);
    // Never answers in the same turn, as no real runtime does.
    await Promise.resolve();
    requireWanted(verb, signal);
    const fault = this.#faultFor(verb, line);
    if (fault?.options.afterwards !== true) await this.#suffer(fault, verb, signal);
    this.#live();
    const result = await work();
    if (fault?.options.afterwards === true) await this.#suffer(fault, verb, signal);
    return result;
  }

  #faultFor(verb: Verb, line: string): Fault | undefined {
    const fault = this.#faults.find(({ verb: faulty, left, options: { when } }) =>
      faulty === verb && left > 0 &&
      (when === undefined || (typeof when === "string" ? line === when : when.test(line)))
    );
    if (fault !== undefined) fault.left--;
    return fault;
  }

  async #suffer(
    fault: Fault | undefined,
    verb: Verb,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    fault?.reached.resolve();
    if (fault?.error !== undefined) throw fault.error;
    if (fault?.released === undefined) return;
    const { promise: calledOff, resolve: callOff } = Promise.withResolvers<void>();
    const onAbort = () => callOff();
    signal?.addEventListener("abort", onAbort, { once: true });
    await Promise.race([fault.released, calledOff]);
    signal?.removeEventListener("abort", onAbort);
    requireWanted(verb, signal);
  }

  #addFault(
    verb: Verb,
    error: McpError | undefined,
    options: FaultOptions,
    released: Promise<void> | undefined,
  ): Fault {
    const reached = Promise.withResolvers<void>();
    const fault = { verb, error, options, left: options.times ?? Infinity, reached, released };
    this.#faults.push(fault);
    return fault;
  }

  /** Lets everything happen that has happened by now. */
  #live(): void {
    const now = this.#clock.now().getTime();
    for (const container of this.#containers) {
      for (let endsAt = nextEnd(container); endsAt <= now; endsAt = nextEnd(container)) {
        const { code = 0, oomKilled = false } = container.script.exit ?? {};
        this.#end(container, code, endsAt, oomKilled);
      }
    }
  }

  /** Its process ends by itself, and its restart policy decides. */
  #end(container: Container, code: number, at: number, oomKilled: boolean): void {
    container.status = "exited";
    container.exitCode = code;
    container.lastExitCode = code;
    container.oomKilled = oomKilled;
    this.#happened(container, "died", at);
    const [policy = "", limit] = container.made.spec.restart.split(":");
    const again = policy === "always" || policy === "unless-stopped" ||
      (policy === "on-failure" && code !== 0 &&
        (limit === undefined || container.restartCount < Number(limit)));
    if (!again) return;
    container.restartCount++;
    this.#begin(container, at + restartTakesMs);
  }

  #pull(image: string, what: string): void {
    const present = this.#pullable.get(image);
    if ([...this.#unreachable].some((prefix) => image.startsWith(prefix))) {
      throw failure("unavailable", `${what} "${image}"`, ["connection refused"]);
    }
    if (present === undefined) {
      throw failure("not_found", `${what} "${image}"`, ["manifest unknown"]);
    }
    this.#store(image, present);
  }

  #run(made: NewContainer, unexpressed: readonly string[] = []): void {
    const { name, spec, pull } = made;
    const what = `run container "${name}"`;
    const reference = made.image ?? spec.image;
    if (pull === "missing" && this.#findImage(reference) === undefined) {
      this.#pull(reference, "pull");
    }
    const image = this.#findImage(reference);
    if (image === undefined) throw failure("not_found", what, [`${reference}: image not known`]);
    const taken = this.#find(name);
    if (taken !== undefined) {
      throw failure("conflict", what, [
        `the container name "${name}" is already in use by ${taken.id}`,
      ]);
    }
    const files = new Map(spec.secrets.map(({ name: secret, target }) => {
      const stored = made.secrets?.[secret] ?? secret;
      const value = this.#secrets.get(stored);
      if (value === undefined) {
        throw failure("unavailable", what, [`no secret with name or id "${stored}"`]);
      }
      return [target, value];
    }));
    const container: Container = {
      id: hexOf(`container ${this.#count++}`),
      name,
      made,
      unexpressed,
      script: image.script,
      imageId: image.id,
      status: "created",
      exitCode: 0,
      lastExitCode: undefined,
      oomKilled: false,
      hasVanished: false,
      startedAt: undefined,
      restartCount: 0,
      starts: 0,
      log: [],
      files,
    };
    this.#containers.push(container);
    this.#happened(container, "create");
    this.#start(container, what);
  }

  #start(container: Container, what: string): void {
    for (const port of hostPorts(container)) {
      const isTaken = this.#foreignPorts.has(port) ||
        this.#containers.some((other) =>
          other !== container && other.status === "running" && hostPorts(other).includes(port)
        );
      if (isTaken) {
        throw failure("conflict", what, [
          `rootlessport listen tcp 127.0.0.1:${port}: bind: address already in use`,
        ]);
      }
    }
    const { startFailure } = container.script;
    if (startFailure !== undefined) throw failure("unavailable", what, [startFailure]);
    container.restartCount = 0;
    this.#begin(container, this.#clock.now().getTime());
    this.#live();
  }

  #begin(container: Container, at: number): void {
    const { script, made } = container;
    container.status = "running";
    container.exitCode = 0;
    container.oomKilled = false;
    container.hasVanished = false;
    container.startedAt = at;
    this.#happened(container, "start", at);
    container.starts++;
    const { log = [] } = script;
    for (const line of typeof log === "function" ? log(made.spec.cmd) : log) {
      this.#print(container, line, { at });
    }
  }

  #stop(container: Container): void {
    if (container.status !== "running") return;
    container.status = "exited";
    container.exitCode = container.script.ignoresStop === true ? 137 : 0;
    container.lastExitCode = container.exitCode;
    this.#happened(container, "died");
  }

  #delete(container: Container): void {
    if (container.status === "running") this.#stop(container);
    this.#containers.splice(this.#containers.indexOf(container), 1);
    this.#happened(container, "remove");
  }

  #happened(container: Container, status: string, at = this.#clock.now().getTime()): void {
    const exitCode = status === "died" ? container.exitCode : undefined;
    this.#wakeReaders();
    this.tell({ container: container.name, status, at: new Date(at), exitCode });
  }

  #print(
    container: Container,
    text: string,
    { isStderr = false, at = this.#clock.now().getTime() }: {
      readonly isStderr?: boolean;
      readonly at?: number;
    },
  ): void {
    container.log.push({ at: BigInt(at) * 1_000_000n, isStderr, text });
    this.#wakeReaders();
  }

  #wakeReaders(): void {
    for (const wake of this.#readers) wake();
    this.#readers.clear();
  }

  #findAny(reference: string): Container | undefined {
    return this.#find(reference) ?? this.#containers.find(({ id }) => id === reference);
  }

  /** By name, or by id. */
  #findImage(reference: string): Image | undefined {
    return this.#present.get(reference) ?? this.#stored.get(reference);
  }

  #find(name: string): Container | undefined {
    return this.#containers.find((container) => container.name === name);
  }

  #require(name: string, verb: string): Container {
    const container = this.#find(name);
    if (container !== undefined) return container;
    throw absentContainer(name, verb);
  }
}

function absentContainer(name: string, verb: string): McpError {
  return failure("not_found", `${verb} container "${name}"`, [
    `no container with name or ID "${name}" found`,
    "no such container",
  ]);
}

function detailOf(container: Container): ContainerDetail {
  return {
    id: container.id,
    status: container.status,
    exitCode: container.exitCode,
    oomKilled: container.oomKilled,
    startedAt: container.startedAt === undefined ? undefined : new Date(container.startedAt),
    restartCount: container.restartCount,
    imageId: container.imageId,
  };
}

/** Images bring nothing here. */
function describedWhole({ id, name, made, imageId, unexpressed }: Container): DescribedContainer {
  return {
    id,
    imageId,
    imageDigest: "",
    brought: {
      user: "",
      env: {},
      labels: {},
      workdir: "/",
      entrypoint: [],
      cmd: [],
      stopSignal: "SIGTERM",
    },
    spec: {
      ...made.spec,
      name,
      secrets: made.spec.secrets.map((secret) => ({
        ...secret,
        name: made.secrets?.[secret.name] ?? secret.name,
      })),
    },
    unexpressed,
    ofItsOwn: unexpressed,
  };
}

/** When the process of a container ends by itself, in milliseconds since 1970. */
function nextEnd({ status, startedAt, script, starts }: Container): number {
  const { exit, exits = Infinity } = script;
  if (status !== "running" || startedAt === undefined || exit === undefined || starts > exits) {
    return Infinity;
  }
  return startedAt + exit.afterMs;
}

function hostPorts({ made }: Container): number[] {
  return made.spec.ports.flatMap((text) => parsePort(text)?.hostPort ?? []);
}

function requireWanted(verb: Verb, signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new McpError("unavailable", `Cannot run podman ${verb}: it was called off`, {
    cause: signal.reason,
  });
}

function failure(kind: McpError["kind"], what: string, reasons: readonly string[]): McpError {
  return new McpError(kind, `Cannot ${what}`, { cause: new Error(reasons.join(": ")) });
}

/** 64 hexadecimal digits, as ids are. */
function hexOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
