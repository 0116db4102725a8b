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

/** A container to be made. */
export interface NewContainer {
  readonly name: string;
  readonly spec: ComponentSpec;
  readonly labels: Readonly<Record<string, string>>;
  /** "missing" fetches an image that is not on the node; "never" fails then. */
  readonly pull: "never" | "missing";
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
  /** Fetches an image from its registry. */
  pull(image: string, signal?: AbortSignal): Promise<void>;
  /** Makes a container and starts it; fails with `conflict` when its name is taken. */
  run(container: NewContainer, signal?: AbortSignal): Promise<void>;
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
   * Whether a container that is listed as running has no process any more, which a runtime may
   * not notice; false of what is known to have ended, or is not there.
   */
  hasVanished(name: string, signal?: AbortSignal): Promise<boolean>;
  /** The last lines a container printed, oldest first. */
  logTail(name: string, lines: number, signal?: AbortSignal): Promise<string[]>;
}
