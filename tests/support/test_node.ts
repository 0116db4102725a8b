/**
 * A whole agent in a temporary directory on a free port, used through its public client.
 *
 * Registry, files, gRPC and TLS are real. Containers are those of a {@link MemoryRuntime}, and
 * time is a {@link FakeClock} whose sleeps are over at once, unless the test brings others.
 *
 * @module
 */

import { startNode } from "../../agent/assemble.ts";
import type { RunningNode } from "../../agent/assemble.ts";
import { createToken } from "../../agent/door/auth/local.ts";
import { type AgentConfig, decodeConfig } from "../../agent/config.ts";
import { Registry } from "../../agent/registry/registry.ts";
import type { ContainerRuntime } from "../../agent/runtime/runtime.ts";
import { connect, type RpcClient } from "../../lib/rpc/client.ts";
import type { Clock } from "../../lib/system/clock.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";
import { realFiles } from "../../lib/system/files.ts";
import { McpAgent } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { type ThrowawayCertificates, throwawayCertificates } from "./certificates.ts";
import { FakeClock } from "./fake_clock.ts";
import { MemoryRuntime } from "./memory_runtime.ts";

/** A client of a test's node. */
export type NodeClient = RpcClient<typeof McpAgent>;

/** How a node begins; all of it may be left out. */
export interface TestNodeOptions<Runtime extends ContainerRuntime, TestClock extends Clock> {
  readonly runtime?: Runtime;
  readonly clock?: TestClock;
  /** TOML to be added to the config, e.g. `[rollout]\nsettle = "1s"`. */
  readonly config?: string;
  /** TOML to be added to the table `[agent]`. */
  readonly agentConfig?: string;
  /** Whether podman itself is used, as configured; then there is no stand-in. */
  readonly usesPodman?: boolean;
  /**
   * Whether it watches its containers by itself. Not unless it is said: with a clock whose sleeps
   * are over at once it would watch without a pause.
   */
  readonly monitors?: boolean;
  /** For how long the machine has been up; it never booted unless it is said. */
  readonly uptimeMs?: () => number;
  /** The folder of an earlier node, to begin where that one ended; it stays its owner's. */
  readonly folder?: string;
}

/** Longer than any answer takes on the busiest machine, so that a test that reaches it has failed. */
export const ample = { timeoutMs: 300_000 };

/** Certificates take a moment to make, and one set serves every node of a process. */
let certificates: Promise<ThrowawayCertificates> | undefined;

/** A running agent; `await using` stops it and removes its folder. */
export class TestNode<
  Runtime extends ContainerRuntime = MemoryRuntime,
  TestClock extends Clock = FakeClock,
> implements AsyncDisposable {
  /** Holds the config, the registry and `srv`. */
  readonly folder: string;
  readonly config: AgentConfig;
  readonly runtime: Runtime;
  readonly clock: TestClock;
  /** A token that may do everything. */
  readonly adminToken: string;
  readonly ca: string;
  readonly #ownsFolder: boolean;
  readonly #clients: NodeClient[] = [];
  #node: RunningNode | undefined;

  private constructor(
    made: {
      readonly folder: string;
      readonly ownsFolder: boolean;
      readonly config: AgentConfig;
      readonly runtime: Runtime;
      readonly clock: TestClock;
      readonly adminToken: string;
      readonly ca: string;
      readonly node: RunningNode;
    },
  ) {
    this.folder = made.folder;
    this.#ownsFolder = made.ownsFolder;
    this.config = made.config;
    this.runtime = made.runtime;
    this.clock = made.clock;
    this.adminToken = made.adminToken;
    this.ca = made.ca;
    this.#node = made.node;
  }

  /** Starts one. The settle window is short and everything else as by default. */
  static async start<
    Runtime extends ContainerRuntime = MemoryRuntime,
    TestClock extends Clock = FakeClock,
  >(options: TestNodeOptions<Runtime, TestClock> = {}): Promise<TestNode<Runtime, TestClock>> {
    const folder = options.folder ?? await Deno.makeTempDir({ prefix: "mcp-test-node-" });
    await using undo = new AsyncDisposableStack();
    if (options.folder === undefined) {
      undo.defer(() => Deno.remove(folder, { recursive: true }));
    }
    // Where a caller brings neither, the types are their defaults.
    const clock = (options.clock ?? new FakeClock({ autoAdvance: true })) as Clock as TestClock;
    const runtime = (options.runtime ?? new MemoryRuntime({ clock })) as
      & ContainerRuntime
      & Runtime;
    const { config, ca, adminToken } = await makeTestNode(folder, clock, options);
    const uptimeMs = options.uptimeMs ?? (() => clock.now().getTime());
    const system = { clock, exec: realExec, follow: realFollow, files: realFiles, uptimeMs };
    const { monitors = false } = options;
    const parts = options.usesPodman === true ? { monitors } : { monitors, runtime };
    const node = await startNode(config, system, parts);
    undo.move();
    const ownsFolder = options.folder === undefined;
    return new TestNode({ folder, ownsFolder, config, runtime, clock, adminToken, ca, node });
  }

  /** "127.0.0.1:port". */
  get address(): string {
    return `127.0.0.1:${this.#node?.port ?? 0}`;
  }

  get registryPath(): string {
    return this.config.databaseFile;
  }

  /** The folder that stands for /srv. */
  get serviceRoot(): string {
    return this.config.serviceRoot;
  }

  /**
   * Connects, by default with the admin's token; closed with the node at the latest.
   *
   * @param token `null` sends none.
   */
  client(token: string | null = this.adminToken): NodeClient {
    const client = connect({
      service: McpAgent,
      address: this.address,
      ca: this.ca,
      token: token ?? undefined,
    });
    this.#clients.push(client);
    return client;
  }

  /** A second connection to the registry, beside the agent's, as `mcp-agent token` has one. */
  openRegistry(): Registry {
    return Registry.open(this.registryPath);
  }

  /** Stops the agent and keeps its folder, as SIGTERM does. */
  async stop(): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    const stopped = node?.stop();
    for (const client of this.#clients.splice(0)) client.close();
    await stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    if (this.#ownsFolder) await Deno.remove(this.folder, { recursive: true });
  }
}

/** What a folder needs to be a node. */
export interface NodeFolder {
  readonly config: AgentConfig;
  readonly ca: string;
  readonly adminToken: string;
}

/**
 * Makes a node of a folder: config, certificates, registry and one token.
 *
 * What is there from an earlier node is kept; the token is always new.
 */
export async function makeTestNode(
  folder: string,
  clock: Pick<Clock, "now">,
  options: {
    readonly config?: string;
    readonly agentConfig?: string;
    /** "host:port" to listen on; a free port when left out. */
    readonly address?: string;
  } = {},
): Promise<NodeFolder> {
  certificates ??= throwawayCertificates();
  const { certificate, key, ca } = await certificates;
  await realFiles.writeText(`${folder}/cert.pem`, certificate, { mode: 0o644 });
  await realFiles.writeText(`${folder}/key.pem`, key, { mode: 0o600 });
  await Deno.mkdir(`${folder}/srv`, { recursive: true });
  const file = `${folder}/mcp-agent.toml`;
  const text = configText(folder, options);
  await realFiles.writeText(file, text, { mode: 0o640 });
  const config = decodeConfig(text, file);
  using registry = Registry.open(config.databaseFile);
  const { token } = createToken(registry, {
    subject: "admin",
    role: "admin",
    lifetimeMs: 90 * 86_400_000,
    now: clock.now(),
  });
  return { config, ca, adminToken: token };
}

function configText(
  folder: string,
  { address = "127.0.0.1:0", config = "", agentConfig = "" }: {
    readonly config?: string;
    readonly agentConfig?: string;
    readonly address?: string;
  },
): string {
  return `[server]
grpc_addr = ${JSON.stringify(address)}
tls_cert = "cert.pem"
tls_key = "key.pem"

[database]
path = "mcp.db"

[agent]
node_name = "rift"
service_root = ${JSON.stringify(`${folder}/srv`)}
${agentConfig}

${config}
`;
}
