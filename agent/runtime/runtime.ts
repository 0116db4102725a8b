/**
 * The few verbs an agent needs of any container runtime.
 *
 * Every verb has a deadline of its own and can be called off. Every failure is
 * an `McpError`: `not_found` when the named container or image does not exist,
 * `conflict` when its name or port is taken, `unavailable` when the runtime could
 * not do it or could not be asked.
 *
 * @module
 */

import type { ComponentSpec } from "../../lib/domain/component_spec.ts";

/** A container as a listing shows it. */
export interface ContainerStatus {
  readonly id: string;
  readonly name: string;
  /** Image reference the container was made from. */
  readonly image: string;
  /** Id of the image it was really made from. */
  readonly imageId: string;
  /** podman's own word, e.g. "running", "exited", "created". */
  readonly status: string;
  readonly exitCode: number | undefined;
  readonly startedAt: Date | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** A container looked at closely. */
export interface ContainerDetail {
  readonly id: string;
  readonly status: string;
  readonly exitCode: number;
  /** Whether the kernel killed it for want of memory. */
  readonly oomKilled: boolean;
  readonly startedAt: Date | undefined;
  /** How often the runtime has restarted it by itself. */
  readonly restartCount: number;
  /** Id of the image it was really made from. */
  readonly imageId: string;
}

/** An image that is on the node. */
export interface ImageDetail {
  /** Of its configuration, 64 hexadecimal digits: what a container says it was made from. */
  readonly id: string;
  /** "sha256:…" of its manifest, by which its image registry gives it again; empty = not known. */
  readonly digest: string;
}

/** An image that is on the node, with all that it is called. */
export interface StoredImage extends ImageDetail {
  /** E.g. "registry.example/web:v1"; none of an image whose last name means another one by now. */
  readonly names: readonly string[];
  readonly bytes: number;
}

/** One line that a container printed. */
export interface LogRecord {
  /** When, in nanoseconds since 1970. */
  readonly at: bigint;
  readonly isStderr: boolean;
  readonly text: string;
}

/** Which part of a log is read. */
export interface LogOptions {
  /** Go on until the container ends, which is told at once or a second later. */
  readonly follow: boolean;
  /** Only what was printed after this instant, in nanoseconds since 1970. */
  readonly since?: bigint | undefined;
  /** Only the last so many lines. */
  readonly tail?: number | undefined;
  readonly signal: AbortSignal;
  /** While it makes its caller wait nothing more is read. Each stream comes in its order. */
  readonly onRecord: (record: LogRecord) => void | Promise<void>;
}

/** How a command ended that was run in a container. */
export interface CommandResult {
  readonly code: number;
  /** The end of what it printed, of both streams. */
  readonly output: string;
}

/** Something that happened to a container; a hint to look, not the truth. */
export interface RuntimeEvent {
  readonly container: string;
  /** podman's own word, e.g. "start", "died", "remove". */
  readonly status: string;
  readonly at: Date;
  /** Of a container that died. */
  readonly exitCode: number | undefined;
}

/** A container as a spec, and the rest. */
export interface ContainerDescription {
  readonly spec: ComponentSpec;
  /** One sentence per thing that the spec does not say, e.g. "environment: TZ, DEBUG". */
  readonly unexpressed: readonly string[];
}

/** What an image brings, and a spec need not repeat. */
export interface ImageDefaults {
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** By its long name, e.g. "SIGTERM". */
  readonly stopSignal: string;
}

/** A container as it was made; nothing of it changes but its name. */
export interface DescribedContainer extends ContainerDescription {
  readonly id: string;
  /** Id of the image it was really made from. */
  readonly imageId: string;
  /** "sha256:…" of that image; empty = not known. */
  readonly imageDigest: string;
  readonly brought: ImageDefaults;
  /** Of `unexpressed`, what does not follow from the image. */
  readonly ofItsOwn: readonly string[];
}

/** A container to be made. */
export interface NewContainer {
  readonly name: string;
  readonly spec: ComponentSpec;
  readonly labels: Readonly<Record<string, string>>;
  /** "missing" fetches an image that is not on the node; "never" fails then. */
  readonly pull: "never" | "missing";
  /** What it is made from where that is not what `spec.image` means now: an image's id. */
  readonly image?: string | undefined;
  /** What the runtime calls each secret of the spec; one that is left out has its own name there. */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
}

/** A part of the ids of the node that containers of a user without rights may use. */
export interface IdRange {
  readonly start: number;
  readonly count: number;
}

/** How the runtime is set up, as it says itself. */
export interface RuntimeInfo {
  readonly version: string;
  /** Whether it works without the rights of root. */
  readonly rootless: boolean;
  /** "v2", or "v1" on an old system. */
  readonly cgroupVersion: string;
  /** Those that limits of containers can be set by, e.g. "memory". */
  readonly cgroupControllers: readonly string[];
  /** "systemd" or "cgroupfs". */
  readonly cgroupManager: string;
  /** What holds the ports of a user's containers, e.g. "pasta"; empty where it is not told (podman 4). */
  readonly networkCommand: string;
  readonly logDriver: string;
  /** What remembers events, e.g. "file". */
  readonly eventLogger: string;
  readonly storage: {
    /** E.g. "overlay". */
    readonly driver: string;
    readonly folder: string;
    /** Of the file system that holds the folder; undefined when it does not say. */
    readonly totalBytes: number | undefined;
    readonly freeBytes: number | undefined;
  };
  /** Which user and group ids of the node containers have, in their order; empty of a rootful one. */
  readonly userIds: readonly IdRange[];
  readonly groupIds: readonly IdRange[];
}

/** A container runtime. Names are container names, never taken for flags. */
export interface ContainerRuntime {
  /** Its version, e.g. "4.3.1". */
  version(signal?: AbortSignal): Promise<string>;
  /** How it is set up. */
  info(signal?: AbortSignal): Promise<RuntimeInfo>;
  /** Every container there is, running or not. */
  list(signal?: AbortSignal): Promise<ContainerStatus[]>;
  /** One container, or undefined when there is none of that name. */
  inspect(name: string, signal?: AbortSignal): Promise<ContainerDetail | undefined>;
  /** Several containers at once, by their names; those that are not there are left out. */
  inspectAll(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, ContainerDetail>>;
  /** Images by reference or id; those that are not on the node are left out. */
  inspectImages(
    images: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, ImageDetail>>;
  /**
   * Fetches an image from its registry.
   *
   * @param onProgress Told of it in lines for people.
   */
  pull(image: string, signal?: AbortSignal, onProgress?: (line: string) => void): Promise<void>;
  /**
   * Makes a container and starts it; fails with `conflict` when its name is taken.
   *
   * @param after Resolves when what must end first has ended, e.g. the container that holds its ports.
   *   It may be made before that, and is not started. Rejected, it is not started at all.
   */
  run(container: NewContainer, signal?: AbortSignal, after?: Promise<void>): Promise<void>;
  /** Starts an existing container; one that runs already is left alone. */
  start(name: string, signal?: AbortSignal): Promise<void>;
  /** Stops a container, killing it after `graceMs`; one that does not run is left alone. */
  stop(name: string, graceMs: number, signal?: AbortSignal): Promise<void>;
  /** Stops and starts a container, killing it after `graceMs`. */
  restart(name: string, graceMs: number, signal?: AbortSignal): Promise<void>;
  /**
   * The exit code its process last ended with in these minutes, also when it was started again
   * since; undefined when that is not known.
   */
  lastExitCode(name: string, signal?: AbortSignal): Promise<number | undefined>;
  /**
   * Runs a command in a running container to its end; how it ended is a result, not an error.
   *
   * A command that is given up is not ended by that: it is no longer waited for.
   */
  exec(
    name: string,
    command: readonly string[],
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<CommandResult>;
  /** Gives a container another name. */
  rename(from: string, to: string, signal?: AbortSignal): Promise<void>;
  /** Removes a container, running or not; whether there was one. */
  remove(name: string, signal?: AbortSignal): Promise<boolean>;
  /**
   * Tells what happens to containers as it happens. Resolves when the runtime ends
   * the stream, which it does without a word: then look, and watch again.
   */
  watch(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void>;
  /**
   * A container as the spec that would make it again.
   *
   * @param component The name the spec is to have.
   */
  describe(name: string, component: string, signal?: AbortSignal): Promise<ContainerDescription>;
  /**
   * Several containers by their ids, with one question for many; those that are gone are left out.
   * Their specs are called like the containers.
   */
  describeAll(
    ids: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, DescribedContainer>>;
  /**
   * Whether a container that is listed as running has no process any more, which a runtime may
   * not notice; false of what is known to have ended, or is not there.
   */
  hasVanished(name: string, signal?: AbortSignal): Promise<boolean>;
  /** Every image that is on the node. */
  listImages(signal?: AbortSignal): Promise<StoredImage[]>;
  /** Removes an image under all its names; fails with `conflict` while a container is made from it. */
  discardImage(image: StoredImage, signal?: AbortSignal): Promise<void>;
  /** Names of the secrets that the runtime keeps. */
  listSecrets(signal?: AbortSignal): Promise<ReadonlySet<string>>;
  /**
   * Keeps a secret for containers to be made with; fails with `conflict` when its name is taken.
   *
   * @param value Not empty, and at most `maxSecretBytes`.
   */
  createSecret(name: string, value: Uint8Array, signal?: AbortSignal): Promise<void>;
  /**
   * Removes a secret; whether there was one. Containers that were made with it keep their file.
   */
  removeSecret(name: string, signal?: AbortSignal): Promise<boolean>;
  /**
   * Reads what a container printed; resolves when that is all, or when it is called off.
   *
   * @param container Its name, or its whole id: the name may be another one's in a moment.
   */
  readLog(container: string, options: LogOptions): Promise<void>;
  /** The last lines a container printed, oldest first. */
  logTail(name: string, lines: number, signal?: AbortSignal): Promise<string[]>;
}
