/**
 * `mcp-agent server` as a process of its own, with the permissions it has on a node, so that it can
 * be killed like one.
 *
 * @module
 */

import { freePort } from "../../deploy/sandbox/free_port.ts";
import type { AgentConfig } from "../../agent/config.ts";
import { serverPermissions } from "../../agent/permissions.ts";
import { connect } from "../../lib/rpc/client.ts";
import { realClock } from "../../lib/system/clock.ts";
import { McpAgent } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import type { LogEntry } from "./quiet_logs.ts";
import { makeTestNode, type NodeClient, type NodeFolder } from "./test_node.ts";

/** Holds a `podman` that has no containers and tells of no events; nothing of the machine is asked. */
const standIn = new URL("stand_in", import.meta.url).pathname;
/** Longer than an agent takes to come to anything on the busiest machine. */
const patienceMs = 300_000;

const mainFile = new URL("../../agent/main.ts", import.meta.url).pathname;

/** A folder that is a node; agents are started on it one after the other. */
export class ProcessNode implements AsyncDisposable {
  readonly folder: string;
  /** "127.0.0.1:port", the same for every agent. */
  readonly address: string;
  readonly #made: NodeFolder;
  readonly #usesPodman: boolean;
  #agent: AgentProcess | undefined;

  private constructor(folder: string, address: string, made: NodeFolder, usesPodman: boolean) {
    this.folder = folder;
    this.address = address;
    this.#made = made;
    this.#usesPodman = usesPodman;
  }

  /**
   * Makes one; nothing is started.
   *
   * @param config TOML to be added to the config.
   * @param agentConfig TOML to be added to its table `[agent]`.
   * @param usesPodman Whether its agents find the real podman, which only a sandbox may have for them.
   */
  static async make(
    options: {
      readonly config?: string;
      readonly agentConfig?: string;
      readonly usesPodman?: boolean;
    } = {},
  ): Promise<ProcessNode> {
    const folder = await Deno.makeTempDir({ prefix: "mcp-process-node-" });
    const address = `127.0.0.1:${freePort()}`;
    const config = `[log]\nlevel = "debug"\n\n${options.config ?? ""}`;
    const made = await makeTestNode(folder, realClock, { ...options, config, address });
    return new ProcessNode(folder, address, made, options.usesPodman ?? false);
  }

  /**
   * Starts an agent; it need not serve yet. The one before must have ended.
   *
   * @param flags Its permissions, by default those that its config needs.
   * @param args What it is told besides.
   */
  start(
    flags: readonly string[] = serverPermissions(this.config),
    ...args: readonly string[]
  ): AgentProcess {
    const path = Deno.env.get("PATH") ?? "";
    const env = this.#usesPodman ? {} : { PATH: `${standIn}:${path}` };
    this.#agent = new AgentProcess(this.config, { flags, args, env });
    return this.#agent;
  }

  get config(): AgentConfig {
    return this.#made.config;
  }

  /** A token that may do everything. */
  get adminToken(): string {
    return this.#made.adminToken;
  }

  /** PEM of the authority that vouches for the agents. */
  get ca(): string {
    return this.#made.ca;
  }

  /** @param options.ca What to trust, where it is not the authority that the node was made with. */
  client({ ca = this.#made.ca }: { readonly ca?: string } = {}): NodeClient {
    const { adminToken: token } = this.#made;
    return connect({ service: McpAgent, address: this.address, ca, token });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent?.kill();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** One run of the agent. */
export class AgentProcess {
  /** Its log so far. */
  readonly entries: LogEntry[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;
  /** Deno warns there about packages; it is worth reading only when the agent did not start. */
  readonly #stderr: Promise<string>;
  readonly #watchers = new Set<() => void>();
  #ended = false;

  constructor(
    config: AgentConfig,
    { flags, args, env }: {
      readonly flags: readonly string[];
      readonly args: readonly string[];
      readonly env: Record<string, string>;
    },
  ) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        // The tests were checked, and have no network.
        "--no-check",
        "--cached-only",
        ...flags,
        mainFile,
        "server",
        `--config=${config.file}`,
        ...args,
      ],
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#read = this.#readLog();
    this.#stderr = new Response(this.#child.stderr).text();
  }

  /** Resolves when it serves. */
  async serving(): Promise<this> {
    await this.logged(({ message }) => message.includes(" serves on "));
    return this;
  }

  /**
   * Resolves with the first record of this kind, as soon as it is written.
   *
   * @param since How many records to pass over.
   */
  async logged(isWanted: (entry: LogEntry) => boolean, since = 0): Promise<LogEntry> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#tell();
    }, patienceMs);
    try {
      return await this.#logged(isWanted, since, () => isLate);
    } finally {
      clearTimeout(timer);
    }
  }

  async #logged(
    isWanted: (entry: LogEntry) => boolean,
    since: number,
    isLate: () => boolean,
  ): Promise<LogEntry> {
    for (let at = since;;) {
      for (; at < this.entries.length; at++) {
        const entry = this.entries[at];
        if (entry !== undefined && isWanted(entry)) return entry;
      }
      const told = () => this.entries.map(({ message }) => message).join("\n");
      if (this.#ended) {
        throw new Error(
          `The agent ended without logging what was waited for:\n${told()}\n${await this.#stderr}`,
        );
      }
      if (isLate()) {
        throw new Error(
          `Within ${patienceMs / 1000} s the agent did not log what was waited for:\n${told()}`,
        );
      }
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  /** The sentences of its warnings, or of its errors. */
  messages(level: "WARN" | "ERROR"): string[] {
    return this.entries.filter((entry) => entry.level === level).map(({ message }) => message);
  }

  /** What it said besides its log, when it has ended. */
  async stderr(): Promise<string> {
    return await this.#stderr;
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Its exit code, when it ends. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await Promise.all([this.#read, this.#stderr]);
    return code;
  }

  /** SIGKILL, and nothing of it is left but what it started itself. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended, which is what was wanted.
    }
    await this.ended();
  }

  async #readLog(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.entries.push(JSON.parse(line));
      this.#tell();
    }
    this.#ended = true;
    this.#tell();
  }

  #tell(): void {
    for (const tell of this.#watchers) tell();
    this.#watchers.clear();
  }
}
