/**
 * A node as it is shipped: the built agent without a JIT, podman's API service, and an operator beside it.
 *
 * What is missing of a real one is systemd: podman uses cgroupfs, and nothing confines the agent.
 *
 * @module
 */

import { freePort } from "../../../deploy/sandbox/free_port.ts";
import { connect } from "../../../lib/rpc/client.ts";
import { McpAgent } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { eventually } from "../../support/eventually.ts";
import { startPodmanService } from "../../support/podman_service.ts";
import type { NodeClient } from "../../support/test_node.ts";
import { ThrowAwayFolder } from "../../support/throw_away_folder.ts";
import { findProcesses } from "./process_usage.ts";
import { type EndedProcess, type ProcessOptions, wholeProcess } from "./whole_process.ts";

/** A node that serves; `await using` ends it, and removes the containers it has made. */
export interface BenchNode extends AsyncDisposable {
  /** What it is called, which its certificate says too. */
  readonly name: string;
  readonly agentPid: number;
  /** Its containers stay; clients must be closed. */
  restartAgent(): Promise<void>;
  /** `unix://` URL of podman's socket. */
  readonly podmanUrl: string;
  /** The folder that stands for /srv. */
  readonly serviceRoot: string;
  readonly address: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
  /** Home of the operator, for programs of theirs. */
  readonly home: string;
  /** Fetches an image beforehand, from a registry that podman's service need not know. */
  pull(image: string): Promise<void>;
  /** The processes of podman's service, which are one or two. */
  podmanPids(): Promise<number[]>;
  /** What the operator's programs have in their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** How `mcp` is started, for whoever follows what it prints. */
  mcpArgv(...args: readonly string[]): string[];
  /** Runs the built `mcp`, the whole process. */
  mcp(args: readonly string[], options?: ProcessOptions): Promise<EndedProcess>;
  /** Puts a definition of a service on this node into the services folder. */
  define(service: string, ...components: readonly string[]): Promise<void>;
  /** A connection of our own; closed with the node. */
  client(): NodeClient;
}

/** The name of a node that is alone. */
const soleName = "bench";

const stopsWithinMs = 30_000;

/**
 * Makes one. It runs the programs of a folder, and podman of whoever runs this; image registries must
 * be there already.
 *
 * @param options.config TOML to be added to the agent's config.
 * @param options.name Where there is another node at the same time; they share podman's containers.
 */
export async function startBenchNode(
  programs: string,
  options: { readonly config?: string; readonly name?: string } = {},
): Promise<BenchNode> {
  const nodeName = options.name ?? soleName;
  await using undo = new AsyncDisposableStack();
  const place = undo.use(await ThrowAwayFolder.make());
  const podman = undo.use(await startPodmanService());
  const home = place.at("operator");
  const serviceRoot = place.at("srv");
  const services = `${home}/.config/mcp/services`;
  const configFile = place.at("node/mcp-agent.toml");
  await Deno.mkdir(services, { recursive: true });
  await Deno.mkdir(serviceRoot);

  const agent = (...args: readonly string[]) => [`${programs}/mcp-agent`, ...args];
  const address = `127.0.0.1:${freePort()}`;
  const { stdout: made } = await wholeProcess(agent(
    ...["init", `--config=${configFile}`, `--node-name=${nodeName}`, `--address=${address}`],
    ...[`--service-root=${serviceRoot}`, `--podman-url=${podman.url}`],
  ));
  const token = /mcp_[\w-]{43}/.exec(made)?.[0];
  const nodeAdd = /mcp (node add \S+ \S+ --ca-data \S+)/.exec(made)?.[1];
  if (token === undefined || nodeAdd === undefined) {
    throw new Error("mcp-agent init printed no token or no `mcp node add`");
  }
  await Deno.writeTextFile(configFile, `\n${options.config ?? ""}\n`, { append: true });
  const { stdout: flags } = await wholeProcess(agent("permissions", `--config=${configFile}`));
  const server = agent(...flags.trim().split("\n"), "server", `--config=${configFile}`);
  await wholeProcess(agent("--version"), { env: await unitEnvironment() });
  undo.defer(() => removeContainers(nodeName));
  let running = await startAgent(server, address, place.at("agent.log"));
  undo.defer(() => running.stop());

  const mcpArgv = (...args: readonly string[]) => [`${programs}/mcp`, ...args];
  const env = { HOME: home, XDG_CONFIG_HOME: `${home}/.config` };
  const mcp: BenchNode["mcp"] = (args, options = {}) =>
    wholeProcess(mcpArgv(...args), { env, cwd: home, ...options });
  await mcp(nodeAdd.split(" "));
  await mcp(["login", nodeName], { stdin: `${token}\n` });
  const ca = await Deno.readTextFile(place.at("node/certs/ca.pem"));
  const clients: NodeClient[] = [];
  undo.defer(() => clients.forEach((client) => client.close()));
  const open = undo.move();
  return {
    name: nodeName,
    get agentPid() {
      return running.pid;
    },
    async restartAgent() {
      await running.stop();
      running = await startAgent(server, address, place.at("agent.log"));
    },
    podmanUrl: podman.url,
    serviceRoot,
    address,
    ca,
    token,
    home,
    env,
    async pull(image) {
      await wholeProcess(["podman", "pull", "--quiet", image]);
    },
    podmanPids: () => findProcesses("system service", podman.url),
    mcpArgv,
    mcp,
    define: (service, ...components) =>
      Deno.writeTextFile(
        `${services}/${service}.toml`,
        [`name = "${service}"\nnode = "${nodeName}"\nactive = true`, ...components].join("\n\n"),
      ),
    client() {
      const client = connect({ service: McpAgent, address, ca, token });
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** One run of the agent. */
interface RunningAgent {
  readonly pid: number;
  stop(): Promise<void>;
}

async function startAgent(
  [program = "", ...args]: readonly string[],
  address: string,
  logFile: string,
): Promise<RunningAgent> {
  const log = await Deno.open(logFile, { append: true, create: true });
  const server = new Deno.Command(program, {
    args,
    env: await unitEnvironment(),
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const copied = server.stdout.pipeTo(log.writable);
  await eventually("the agent listens", async () => {
    const [hostname = "", port = ""] = address.split(":");
    try {
      (await Deno.connect({ hostname, port: Number(port) })).close();
      return true;
    } catch {
      // Not yet, which is what is being waited for.
      return undefined;
    }
  });
  return {
    pid: server.pid,
    async stop() {
      const timer = setTimeout(() => server.kill("SIGKILL"), stopsWithinMs);
      server.kill("SIGTERM");
      await server.status;
      await copied;
      clearTimeout(timer);
    },
  };
}

/** How V8, the allocator and podman's client are told to be on a node: as in the agent's unit. */
async function unitEnvironment(): Promise<Record<string, string>> {
  const unit = new URL("../../../deploy/node/systemd/mcp-agent.service", import.meta.url);
  const told = (await Deno.readTextFile(unit))
    .matchAll(/^Environment=((?:DENO_V8|MALLOC)_\w+|GOGC)=(.*)$/gm);
  const environment = Object.fromEntries(
    [...told].map(([, name = "", value = ""]) => [name, value]),
  );
  if (environment["DENO_V8_FLAGS"] === undefined) {
    throw new Error("mcp-agent.service says nothing about V8 any more");
  }
  return environment;
}

/** All containers of a node carry its name. */
async function removeContainers(nodeName: string): Promise<void> {
  const listed = ["podman", "ps", "--all", "--quiet", `--filter=label=mcp.node=${nodeName}`];
  const ids = (await wholeProcess(listed)).stdout.split("\n").filter((id) => id !== "");
  if (ids.length > 0) await wholeProcess(["podman", "rm", "--force", "--time=0", ...ids]);
}
