/**
 * The only place that says `new`: config + system → a running node.
 *
 * @module
 */

import { realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { McpAgent } from "../proto/gen/mcp/v1/mcp_pb.ts";
import { errorChain, McpError } from "../lib/errors.ts";
import { log } from "../lib/log.ts";
import { MciasClient } from "../lib/mcias/client.ts";
import { serve } from "../lib/rpc/server.ts";
import type { Clock } from "../lib/system/clock.ts";
import type { Exec } from "../lib/system/exec.ts";
import type { Files } from "../lib/system/files.ts";
import { CachedVerifier } from "./auth/cached.ts";
import { LocalVerifier } from "./auth/local.ts";
import { MciasVerifier } from "./auth/mcias.ts";
import type { TokenVerifier } from "./auth/verifier.ts";
import type { AgentConfig } from "./config.ts";
import { NodeProbe } from "./node/facts.ts";
import { Observer } from "./reconcile/observe.ts";
import { Registry } from "./registry/registry.ts";
import { recoverOnce } from "./rollout/recover.ts";
import { Rollout } from "./rollout/rollout.ts";
import { Turns } from "./rollout/turns.ts";
import { audit } from "./rpc/interceptors/audit.ts";
import { authenticate } from "./rpc/interceptors/authenticate.ts";
import { reportFailures } from "./rpc/interceptors/report_failures.ts";
import { dispatch } from "./rpc/service.ts";
import { Podman } from "./runtime/podman/podman.ts";
import type { ContainerRuntime } from "./runtime/runtime.ts";
import { makeServiceFolders } from "./service_files/folders.ts";

/** The outside world as a node needs it. */
export interface NodeSystem {
  readonly clock: Clock;
  readonly exec: Exec;
  readonly files: Files;
}

/** A node that serves. */
export interface RunningNode {
  readonly port: number;
  /**
   * Stops serving, lets running rollouts finish within the drain time, then
   * calls off what is left and closes the registry.
   */
  stop(): Promise<void>;
}

/**
 * Opens the registry, undoes what an earlier run left half-done, looks at the
 * runtime, and only then serves.
 *
 * A runtime that cannot be asked does not keep the agent down: it serves, and
 * says so.
 *
 * @param runtime The container runtime; podman as configured when undefined.
 */
export async function startNode(
  config: AgentConfig,
  system: NodeSystem,
  runtime: ContainerRuntime = podmanOf(config, system),
): Promise<RunningNode> {
  await using stack = new AsyncDisposableStack();
  const identity = {
    certificate: await requireText(system.files, config.server.certificateFile, "certificate"),
    key: await requireText(system.files, config.server.keyFile, "key of the certificate"),
  };
  const registry = stack.use(Registry.open(config.databaseFile));
  const verifier = await verifierOf(config, system, registry, stack);

  const callOff = new AbortController();
  const turns = new Turns(system.clock);
  const recoveryOptions = {
    runtime,
    clock: system.clock,
    makeFolders: (service: string, paths: readonly string[]) =>
      makeServiceFolders(config.serviceRoot, service, paths),
    settleMs: config.rollout.settleMs,
    stopTimeoutMs: config.rollout.stopTimeoutMs,
    signal: callOff.signal,
    node: config.nodeName,
    serviceRoot: config.serviceRoot,
    registry,
    turns,
  };
  const recovered = recoverOnce(recoveryOptions);
  const observer = new Observer({ runtime, registry, turns, clock: system.clock });
  try {
    await recovered();
    await observer.observe();
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    log.agent.error("Serving without having seen the containers: {reason}", {
      reason: errorChain(error),
    });
  }

  const handler = reportFailures(
    audit(
      system.clock,
      authenticate(
        new CachedVerifier(verifier, system.clock),
        dispatch({
          nodeName: config.nodeName,
          clock: system.clock,
          registry,
          runtime,
          observer,
          rollout: new Rollout({ ...recoveryOptions, recovered }),
          probe: new NodeProbe(config.serviceRoot),
          files: { serviceRoot: config.serviceRoot, ownFolders: await ownFolders(config) },
        }),
      ),
    ),
  );
  const server = await serve({
    service: McpAgent,
    address: config.server.address,
    identity,
    handler,
  });
  const open = stack.move();
  return {
    port: server.port,
    async stop() {
      await using _ = open;
      const { drainTimeoutMs } = config.rollout;
      const closed = server.close(drainTimeoutMs + 1_000);
      const timer = setTimeout(
        () => callOff.abort(new McpError("unavailable", "The agent is stopping")),
        drainTimeoutMs,
      );
      // A call that is still being authenticated may yet begin a rollout, and a rollout may outlive
      // the call that began it: both must have ended before the registry is closed.
      await closed;
      await turns.idle();
      clearTimeout(timer);
    },
  };
}

/** The agent's own folders by their real paths: what no transfer may touch. */
async function ownFolders(config: AgentConfig): Promise<string[]> {
  const files = [config.file, config.databaseFile, config.server.keyFile];
  return await Promise.all(files.map((file) => realpath(dirname(file))));
}

function podmanOf(config: AgentConfig, { exec }: NodeSystem): ContainerRuntime {
  return new Podman({
    exec,
    target: { program: config.podman, url: config.podmanUrl },
    pullTimeoutMs: config.rollout.pullTimeoutMs,
  });
}

async function verifierOf(
  config: AgentConfig,
  { clock, files }: NodeSystem,
  registry: Registry,
  stack: AsyncDisposableStack,
): Promise<TokenVerifier> {
  const { auth } = config;
  if (auth.provider === "local") return new LocalVerifier(registry, clock);
  const client = stack.use(
    new MciasClient({
      serverUrl: auth.serverUrl,
      ca: auth.caFile === undefined
        ? undefined
        : await requireText(files, auth.caFile, "CA certificate of MCIAS"),
      timeoutMs: 5_000,
    }),
  );
  return new MciasVerifier(client, clock);
}

async function requireText(files: Files, path: string, what: string): Promise<string> {
  const text = await files.readText(path);
  if (text !== undefined) return text;
  throw new McpError("not_found", `Cannot read the ${what} ${path}: there is no such file`, {
    hint: "Run `mcp-agent init`, or correct the path in the config",
  });
}
