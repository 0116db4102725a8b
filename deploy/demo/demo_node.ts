/**
 * A node in a folder: an image registry with the demo's images, and an agent that serves.
 *
 * Runs inside a sandbox. Disposing of it stops the agent, removes the node's
 * containers and images, and stops the registry, in that order.
 *
 * @module
 */

import { brokenWeb, helloClock, helloWeb } from "../sandbox/demo_images.ts";
import { freePort } from "../sandbox/free_port.ts";
import { publishImage, startImageRegistry } from "../sandbox/image_registry.ts";
import { Operator } from "./operator.ts";

/** A demo node that serves. */
interface DemoNode extends AsyncDisposable {
  readonly operator: Operator;
  /** "host:port" that `mcp node add` is told. */
  readonly address: string;
  /** Process id of the agent. */
  readonly agentPid: number;
  /** The host port that the demo's page is published on. */
  readonly pagePort: number;
}

/** Where a demo node lives, and what of. */
interface DemoFolders {
  /** Gets the node's and the operator's files. */
  readonly folder: string;
  /** The folder that holds one folder per service. */
  readonly serviceRoot: string;
  /** The folder with the built `mcp` and `mcp-agent`; they are run from their source if absent. */
  readonly programs?: string;
}

const nodeName = "demo";

/** The folders that `main.ts` has chosen. */
export function demoFolders(): DemoFolders {
  const folder = Deno.env.get("MCP_DEMO_FOLDER");
  const serviceRoot = Deno.env.get("MCP_DEMO_SERVICE_ROOT");
  if (folder === undefined || serviceRoot === undefined) {
    throw new Error("Run this with `deno task demo` or `deno task dev`");
  }
  const programs = Deno.env.get("MCP_DEMO_PROGRAMS");
  return { folder, serviceRoot, ...(programs === undefined ? {} : { programs }) };
}

/** Makes the node, starts its agent, registers it with the operator's CLI and logs in. */
export async function startDemoNode(
  { folder, serviceRoot, programs }: DemoFolders,
  signal: AbortSignal,
): Promise<DemoNode> {
  await using undo = new AsyncDisposableStack();
  const home = `${folder}/operator`;
  const services = `${home}/.config/mcp/services`;
  const configFile = `${folder}/node/mcp-agent.toml`;
  const argv = programs === undefined ? fromSource : builtIn(programs);
  await Deno.mkdir(services, { recursive: true });
  await Deno.mkdir(serviceRoot, { recursive: true });
  const operator = new Operator({
    programs: {
      mcp: { argv: argv.mcp, env: { HOME: home, XDG_CONFIG_HOME: `${home}/.config` } },
      "mcp-agent": { argv: argv.agent([]) },
    },
    cwd: services,
    signal,
  });

  operator.say("An image registry on loopback, with a small service in two versions");
  const registry = undo.use(await startImageRegistry());
  const images = [
    await publishImage(registry, helloWeb("v1")),
    await publishImage(registry, helloWeb("v2")),
    await publishImage(registry, brokenWeb()),
    await publishImage(registry, helloClock()),
  ];
  const repositories = `http://${registry.address}/v2/_catalog`;
  await operator.run(["curl", "--silent", "--show-error", repositories]);

  operator.say("A node: config, private CA and certificate, registry, first admin token");
  const address = `127.0.0.1:${freePort()}`;
  const made = await operator.run([
    ...["mcp-agent", "init", "--config", configFile, "--node-name", nodeName],
    ...["--address", address, "--service-root", serviceRoot],
  ]);
  const token = /mcp_[\w-]{43}/.exec(made)?.[0];
  const nodeAdd = /mcp node add \S+ \S+ --ca-data \S+/.exec(made)?.[0];
  if (token === undefined || nodeAdd === undefined) {
    throw new Error("mcp-agent init printed no token or no `mcp node add`");
  }

  operator.say("Its agent, under exactly the permissions that its config needs");
  const flags = (await operator.run(["mcp-agent", "permissions", "--config", configFile]))
    .trim().split("\n");
  undo.defer(() => removeContainers(images));
  const log = await Deno.open(`${folder}/node/agent.log`, { write: true, createNew: true });
  const serverArgv = ["server", "--config", configFile];
  operator.showInBackground(["mcp-agent", ...serverArgv]);
  const [program = "", ...args] = [...argv.agent(flags), ...serverArgv];
  const server = new Deno.Command(program, { args, stdin: "null", stdout: "piped" }).spawn();
  const copied = server.stdout.pipeTo(log.writable);
  undo.defer(async () => {
    server.kill("SIGTERM");
    await server.status;
    await copied;
  });
  await waitUntilItListens(address);

  operator.say("The workstation: register the node, log in with the token");
  await operator.run(nodeAdd.split(" "));
  await operator.run(["mcp", "login", nodeName], {
    input: { text: `${token}\n`, shownAs: "token" },
  });

  const pagePort = freePort();
  const example = await Deno.readTextFile(
    new URL("../examples/services/hello.toml", import.meta.url),
  );
  await Deno.writeTextFile(
    `${services}/hello.toml`,
    example.replaceAll("127.0.0.1:5000", registry.address)
      .replaceAll("18080", String(pagePort))
      .replaceAll('"/srv/', `"${serviceRoot}/`),
  );
  const open = undo.move();
  return {
    operator,
    address,
    agentPid: server.pid,
    pagePort,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** How the two programs are started. */
interface Programs {
  readonly mcp: readonly string[];
  /** @param flags Permission flags; none are those that its subcommand has by itself. */
  agent(flags: readonly string[]): readonly string[];
}

/** From source: `init` and the other short-lived subcommands of the agent run with all grants. */
const fromSource: Programs = {
  mcp: denoRun(
    ["--no-prompt", "--ignore-env", "--allow-net", "--allow-read", "--allow-write"].concat(
      "--allow-env=HOME,XDG_CONFIG_HOME,MCP_CONFIG,MCP_TOKEN,NO_COLOR,TERM",
    ),
    "cli/main.ts",
  ),
  agent: (flags) => denoRun(flags.length === 0 ? ["--allow-all"] : flags, "agent/main.ts"),
};

/** As they are shipped: their grants are their own. */
function builtIn(folder: string): Programs {
  return {
    mcp: [`${folder}/mcp`],
    agent: (flags) => [`${folder}/mcp-agent`, ...flags],
  };
}

function denoRun(flags: readonly string[], entry: string): readonly string[] {
  const file = new URL(`../../${entry}`, import.meta.url).pathname;
  return [Deno.execPath(), "run", "--quiet", "--cached-only", "--no-check", ...flags, file];
}

async function waitUntilItListens(address: string): Promise<void> {
  const [hostname = "", port = ""] = address.split(":");
  const deadline = Date.now() + 15_000;
  for (;;) {
    try {
      (await Deno.connect({ hostname, port: Number(port) })).close();
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Everything the node made: in a sandbox of its own it would vanish anyway, elsewhere it must not stay. */
async function removeContainers(images: readonly string[]): Promise<void> {
  const listed = await podman(["ps", "--all", "--quiet", `--filter=label=mcp.node=${nodeName}`]);
  const containers = listed.split("\n").filter((id) => id !== "");
  if (containers.length > 0) await podman(["rm", "--force", "--time=0", ...containers]);
  await podman(["rmi", "--force", "--ignore", ...images]);
}

async function podman(args: readonly string[]): Promise<string> {
  const output = await new Deno.Command("podman", {
    args: [...args],
    signal: AbortSignal.timeout(300_000),
  }).output();
  if (output.code === 0) return new TextDecoder().decode(output.stdout);
  const reason = new TextDecoder().decode(output.stderr).trim();
  throw new Error(`Cannot clean up with podman ${args[0]}: ${reason}`);
}
