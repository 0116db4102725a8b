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
import { parsePort } from "../../lib/domain/component_spec.ts";
import { McpError } from "../../lib/errors.ts";
import type { Clock } from "../../lib/system/clock.ts";
import type {
  ContainerDescription,
  ContainerDetail,
  ContainerRuntime,
  ContainerStatus,
  NewContainer,
  RuntimeEvent,
  RuntimeInfo,
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
  readonly log: string[];
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
  readonly #pullable = new Map<string, ContainerScript>();
  readonly #present = new Map<string, ContainerScript>();
  readonly #containers: Container[] = [];
  /** Beginnings of the images whose registry does not answer. */
  readonly #unreachable = new Set<string>();
  /** Ports of the node that programs outside any container hold. */
  readonly #foreignPorts = new Set<number>();
  #faults: Fault[] = [];
  readonly #watchers = new Set<
    { readonly onEvent: (event: RuntimeEvent) => void; readonly end: () => void }
  >();
  #count = 0;

  constructor({ clock, images = [] }: MemoryRuntimeOptions) {
    this.#clock = clock;
    for (const image of images) this.publish(image);
  }

  // --- What a test arranges ---

  /** Makes an image that can be pulled. */
  publish(image: string, script: ContainerScript = {}): void {
    this.#pullable.set(image, script);
  }

  /** Makes an image on the node itself. */
  build(image: string, script: ContainerScript = {}): void {
    this.#present.set(image, script);
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
        name,
        image,
        network: "",
        user: "",
        restart: options.restart ?? "no",
        ports: options.ports ?? [],
        volumes: options.volumes ?? [],
        cmd: [],
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
      return container && {
        id: container.id,
        status: container.status,
        exitCode: container.exitCode,
        oomKilled: container.oomKilled,
        startedAt: container.startedAt === undefined ? undefined : new Date(container.startedAt),
        restartCount: container.restartCount,
        imageId: container.imageId,
      };
    });
  }

  async pull(image: string, signal?: AbortSignal): Promise<void> {
    await this.#call("pull", `pull ${image}`, signal, () => this.#pull(image, "pull the image"));
  }

  async run(container: NewContainer, signal?: AbortSignal): Promise<void> {
    const { name, spec } = container;
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

  async logTail(name: string, lines: number, signal?: AbortSignal): Promise<string[]> {
    return await this.#call("logTail", `logTail ${name}`, signal, () => {
      const { log } = this.#require(name, "read the log of");
      return log.slice(Math.max(0, log.length - lines));
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
    this.#present.set(image, present);
  }

  #run(made: NewContainer, unexpressed: readonly string[] = []): void {
    const { name, spec, pull } = made;
    const what = `run container "${name}"`;
    if (pull === "missing" && !this.#present.has(spec.image)) this.#pull(spec.image, "pull");
    const script = this.#present.get(spec.image);
    if (script === undefined) {
      throw failure("not_found", what, [`${spec.image}: image not known`]);
    }
    const taken = this.#find(name);
    if (taken !== undefined) {
      throw failure("conflict", what, [
        `the container name "${name}" is already in use by ${taken.id}`,
      ]);
    }
    const container: Container = {
      id: hexOf(`container ${this.#count++}`),
      name,
      made,
      unexpressed,
      script,
      imageId: hexOf(`image ${spec.image}`),
      status: "created",
      exitCode: 0,
      lastExitCode: undefined,
      oomKilled: false,
      hasVanished: false,
      startedAt: undefined,
      restartCount: 0,
      starts: 0,
      log: [],
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
    container.log.push(...(typeof log === "function" ? log(made.spec.cmd) : log));
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
    this.tell({ container: container.name, status, at: new Date(at), exitCode });
  }

  #find(name: string): Container | undefined {
    return this.#containers.find((container) => container.name === name);
  }

  #require(name: string, verb: string): Container {
    const container = this.#find(name);
    if (container !== undefined) return container;
    throw failure("not_found", `${verb} container "${name}"`, [
      `no container with name or ID "${name}" found`,
      "no such container",
    ]);
  }
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
