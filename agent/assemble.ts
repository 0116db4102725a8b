/**
 * The only place that says `new`: config + system → a running node.
 *
 * @module
 */

import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { McpAgent } from "../proto/gen/mcp/v1/mcp_pb.ts";
import { errorChain, McpError } from "../lib/errors.ts";
import { log } from "../lib/log.ts";
import { MciasClient } from "../lib/mcias/client.ts";
import { serve } from "../lib/rpc/server.ts";
import { validityOf } from "../lib/rpc/tls.ts";
import type { Clock } from "../lib/system/clock.ts";
import type { Exec } from "../lib/system/exec.ts";
import type { Follow } from "../lib/system/follow.ts";
import type { Files } from "../lib/system/files.ts";
import { UnixHttp } from "../lib/system/unix_http.ts";
import { CachedVerifier } from "./door/auth/cached.ts";
import { LocalVerifier } from "./door/auth/local.ts";
import { MciasVerifier } from "./door/auth/mcias.ts";
import type { TokenVerifier } from "./door/auth/caller.ts";
import type { AgentConfig } from "./config.ts";
import { Images } from "./change/images/images.ts";
import { Logs } from "./watch/logs/logs.ts";
import { Doctor } from "./node/doctor/doctor.ts";
import { fromAgent } from "./node/doctor/from_agent.ts";
import { Alerter } from "./watch/monitor/alerter.ts";
import { readIdentity, requireText, requireUsable, tellValidity } from "./door/server_identity.ts";
import { runMonitor } from "./watch/monitor/monitor.ts";
import { NodeProbe } from "./node/facts.ts";
import { podmanSocket } from "./permissions.ts";
import { probeWith } from "./watch/probes/probe.ts";
import { Prober } from "./watch/probes/prober.ts";
import { Adoption } from "./change/adoption/adoption.ts";
import { Descriptions } from "./watch/reconcile/descriptions.ts";
import { FieldDrifts } from "./watch/reconcile/field_drifts.ts";
import { Observer } from "./watch/reconcile/observe.ts";
import { Synchronization } from "./change/synchronization/synchronization.ts";
import { lockRegistry } from "./registry/lock.ts";
import { Registry } from "./registry/registry.ts";
import { ImageFinder } from "./change/rollout/images.ts";
import { looksAt } from "./change/rollout/looks.ts";
import { Operations } from "./change/rollout/operations.ts";
import { Removal } from "./change/removal/removal.ts";
import { recover, untilRecovered } from "./change/rollout/recover.ts";
import { Rollout } from "./change/rollout/rollout.ts";
import { startAfterBoot } from "./change/rollout/start_after_boot.ts";
import { startUnfinished } from "./change/rollout/start_unfinished.ts";
import { ServiceLocks } from "./locks/service_locks.ts";
import { AuditTrail } from "./door/rpc/audit_trail.ts";
import { audit } from "./door/rpc/interceptors/audit.ts";
import { authenticate } from "./door/rpc/interceptors/authenticate.ts";
import { reportFailures } from "./door/rpc/interceptors/report_failures.ts";
import type { Rooms } from "./door/rpc/rooms.ts";
import { dispatch, onlyReads } from "./door/rpc/service.ts";
import { Podman } from "./runtime/podman/podman.ts";
import type { ContainerRuntime } from "./runtime/runtime.ts";
import { HashKey } from "./change/secrets/keyed_hash.ts";
import { Secrets } from "./change/secrets/secrets.ts";
import { makeServiceFolders } from "./change/service_files/folders.ts";
import { PushedFiles } from "./change/service_files/pushed.ts";

/** The outside world as a node needs it. */
interface NodeSystem {
  readonly clock: Clock;
  readonly exec: Exec;
  readonly follow: Follow;
  readonly files: Files;
  /** For how long the machine has been up. */
  readonly uptimeMs: () => number;
}

/** Parts of a node that a caller may choose. */
interface NodeParts {
  /** Podman as configured unless it is said. */
  readonly runtime?: ContainerRuntime;
  /** Whether the node watches its containers by itself, or looks only when it is asked. */
  readonly monitors?: boolean;
}

/** A node that serves. */
export interface RunningNode {
  readonly port: number;
  /**
   * Shows the certificate that lies there now to whoever connects from here on.
   *
   * @throws {McpError} When it cannot be used; then the one before is still shown.
   */
  reloadCertificate(): Promise<void>;
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
 * @param chosen What takes the place of the usual parts.
 */
export async function startNode(
  config: AgentConfig,
  system: NodeSystem,
  chosen: NodeParts = {},
): Promise<RunningNode> {
  const { runtime = podmanOf(config, system), monitors = true } = chosen;
  await using stack = new AsyncDisposableStack();
  const identity = await readIdentity(system.files, config.server);
  stack.use(lockRegistry(config.databaseFile, "serve"));
  const registry = stack.use(Registry.open(config.databaseFile, { configFile: config.file }));
  registry.requireSound();
  const verifier = await verifierOf(config, system, registry, stack);

  const callOff = new AbortController();
  const stopping = new AbortController();
  const auditTrail = stack.use(new AuditTrail(registry));
  const parts = await partsOf(config, system, { registry, runtime, signal: callOff.signal });
  const { node, alerter } = parts;
  const { clock, locks } = node;
  try {
    await node.recovered();
    await node.observer.observe();
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    log.agent.error("Serving without having seen the containers: {reason}", {
      reason: errorChain(error),
    });
  }
  const rooms = roomsOf(config, system, parts, { auditTrail, stopping: stopping.signal });
  const server = await serve({
    service: McpAgent,
    address: config.server.address,
    identity,
    handler: reportFailures(
      audit(
        { clock, keep: (call, entry) => auditTrail.add(entry, { now: !onlyReads(call) }) },
        authenticate(new CachedVerifier(verifier, clock), dispatch(rooms)),
      ),
    ),
  });
  const prober = new Prober({
    ...node,
    onChange: (transition, at) => alerter.consider({ transitions: [transition] }, at),
  });
  const watching = monitors
    ? [runMonitor({ ...node, ...config.monitor }, stopping.signal), prober.run(stopping.signal)]
    : [];
  const open = stack.move();
  tellValidity(config.server, validityOf(identity), system.clock.now());
  return {
    port: server.port,
    async reloadCertificate() {
      const next = await readIdentity(system.files, config.server);
      const validity = requireUsable(next, config.server, system.clock.now());
      server.replaceIdentity(next);
      tellValidity(config.server, validity, system.clock.now());
    },
    async stop() {
      await using _ = open;
      const { drainTimeoutMs } = config.rollout;
      stopping.abort(new McpError("unavailable", "The agent is stopping"));
      const closed = server.close(drainTimeoutMs + 1_000);
      const timer = setTimeout(
        () => callOff.abort(new McpError("unavailable", "The agent is stopping")),
        drainTimeoutMs,
      );
      // A call that is still being authenticated may yet begin a rollout, and a rollout may outlive
      // the call that began it: both must have ended before the registry is closed.
      await closed;
      await Promise.all(watching);
      await locks.idle();
      await alerter.idle();
      clearTimeout(timer);
    },
  };
}

/** The parts that work on the node's containers, and what they share. */
async function partsOf(
  config: AgentConfig,
  system: NodeSystem,
  given: {
    readonly registry: Registry;
    readonly runtime: ContainerRuntime;
    /** Trips when what is left must end now. */
    readonly signal: AbortSignal;
  },
) {
  const { clock, files, exec } = system;
  const { registry, runtime, signal } = given;
  const { serviceRoot, keepRevisions, nodeName, monitor } = config;
  const locks = new ServiceLocks(clock);
  const key = new HashKey(files, join(dirname(config.databaseFile), "secrets.key"));
  const shared = {
    ...given,
    ...config.rollout,
    clock,
    locks,
    serviceRoot,
    allow: config.allow,
    node: nodeName,
    makeFolders: (service: string, paths: readonly string[]) =>
      makeServiceFolders(serviceRoot, service, paths),
    ownFolders: await ownFolders(config),
    look: looksAt(runtime, signal),
    probe: probeWith(runtime),
    images: new ImageFinder(runtime, signal),
    secrets: new Secrets({ ...given, locks, clock, key, keepRevisions }),
    fieldDrifts: new FieldDrifts({
      registry,
      locks,
      descriptions: new Descriptions({ runtime, clock }),
    }),
  };
  const alerter = new Alerter({
    registry,
    thresholds: monitor,
    command: { exec, argv: monitor.alertCommand, node: nodeName, signal },
  });
  const observer = new Observer({
    ...shared,
    onSeen: (seen, at) => alerter.consider(seen, at),
  });
  const recovered = untilRecovered(async () => {
    // First: what a rollout left half-done may not be what should run.
    await recover(shared);
    await startUnfinished(shared);
    await startAfterBoot({ ...shared, uptimeMs: system.uptimeMs });
  });
  return { node: { ...shared, observer, recovered }, alerter };
}

/** What the RPCs are handed to. */
function roomsOf(
  config: AgentConfig,
  system: NodeSystem,
  { node }: Awaited<ReturnType<typeof partsOf>>,
  given: Pick<Rooms, "auditTrail" | "stopping">,
): Rooms {
  const { keepRevisions, nodeName, serviceRoot } = config;
  const rollout = new Rollout(node);
  return {
    ...node,
    ...given,
    nodeName,
    rollout,
    operations: new Operations(node),
    adoption: new Adoption(node),
    synchronization: new Synchronization({ ...node, rollout }),
    images: new Images({ ...node, keepRevisions }),
    removal: new Removal(node),
    logs: new Logs(node),
    probe: new NodeProbe(serviceRoot),
    doctor: new Doctor(config, fromAgent({ ...system, ...node })),
    files: node,
    pushedFiles: new PushedFiles(node.registry, node),
  };
}

/** The agent's own folders, as configured and by their real paths: what no service may touch. */
async function ownFolders(config: AgentConfig): Promise<string[]> {
  const { file, databaseFile, server: { keyFile } } = config;
  const folders = [file, databaseFile, keyFile].map((path) => dirname(path));
  const real = await Promise.all(folders.map((folder) => realpath(folder)));
  return [...new Set([...folders, ...real])];
}

function podmanOf(config: AgentConfig, { exec, follow }: NodeSystem): ContainerRuntime {
  const socket = podmanSocket(config);
  return new Podman({
    exec,
    follow,
    socket: socket === undefined ? undefined : new UnixHttp(socket),
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
  const ca = async (owner: string) =>
    auth.caFile === undefined
      ? undefined
      : await requireText(files, auth.caFile, `CA certificate of ${owner}`);
  const timeoutMs = 5_000;
  if (auth.provider === "oidc") {
    // Loaded where it is used: who has another provider does not pay for the cryptography.
    const [{ OidcClient }, { OidcVerifier }] = await Promise.all([
      import("../lib/oidc/client.ts"),
      import("./door/auth/oidc.ts"),
    ]);
    const { issuer } = auth;
    const client = stack.use(new OidcClient({ issuer, ca: await ca("the issuer"), timeoutMs }));
    return new OidcVerifier({ client, clock }, auth);
  }
  const { serverUrl } = auth;
  const client = stack.use(new MciasClient({ serverUrl, ca: await ca("MCIAS"), timeoutMs }));
  return new MciasVerifier(client, clock);
}
