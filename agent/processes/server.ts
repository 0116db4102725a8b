/**
 * `mcp-agent server` — serves gRPC until told to stop; SIGHUP makes it read its certificate again.
 *
 * Grants, derived from the config by `mcp-agent permissions`:
 *   run          podman (and the alert command), nothing else
 *   read, write  /srv and the registry's folder; the config and certificate to read
 *   net          the listen address and the identity provider; podman's socket where there is one;
 *                the loopback and the node's own address at any port, for health checks
 *   sys          disk, CPU, memory and uptime, for NodeStatus
 *   env          none: unlisted variables read as unset
 *
 * It compares them with what it was given before it opens anything, and refuses to serve with less,
 * or with more.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { errorChain, McpError } from "../../lib/errors.ts";
import { log, startLog } from "../../lib/log.ts";
import { realClock } from "../../lib/system/clock.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";
import { realFiles } from "../../lib/system/files.ts";
import { version } from "../../lib/version.ts";
import { type RunningNode, startNode } from "../assemble.ts";
import { loadConfig } from "../config.ts";
import { compareGrants, requireGrants } from "../grants.ts";
import { configOption, subcommand, switchFlag } from "./process.ts";

/** Serves until SIGTERM or SIGINT, then lets running rollouts finish. */
export const server = subcommand({
  path: ["server"],
  summary: "Serve this node until told to stop",
  example: "mcp-agent server --config /srv/mcp/mcp-agent.toml",
  grants: [],
  parser: object({
    config: configOption(),
    allowBroadPermissions: switchFlag(
      "--allow-broad-permissions",
      "Serve with more permissions than the config needs, in development",
    ),
  }),

  async run(input) {
    const config = await loadConfig(realFiles, input.config);
    const broader = requireGrants(await compareGrants(config), {
      allowsBroader: input.allowBroadPermissions,
      configFile: config.file,
    });
    const isTerminal = Deno.stdout.isTerminal();
    const encoder = new TextEncoder();
    await using _log = await startLog({
      level: config.logLevel,
      format: !isTerminal ? "json" : Deno.noColor ? "text" : "color",
      write: (line) => Deno.stdout.writeSync(encoder.encode(line)),
    });
    for (const grant of broader) {
      log.agent.warn("Serving with {grant}, which this config does not need", { grant });
    }
    // Listened to before anything is begun, so that no signal finds the default, sudden end.
    const told = signalled();
    const starting = startNode(config, {
      clock: realClock,
      uptimeMs: () => Deno.osUptime() * 1000,
      exec: realExec,
      follow: realFollow,
      files: realFiles,
    });
    using _reloading = reloadOnHangUp(starting);
    const node = await starting;
    log.agent.info("Node {node} serves on {address} (mcp-agent {version})", {
      node: config.nodeName,
      address: config.server.address.replace(/\d+$/, String(node.port)),
      version,
    });
    log.agent.info("{signal}: stopping, running rollouts may finish", { signal: await told });
    await node.stop();
    log.agent.info("Stopped");
  },
});

/** Resolves with the name of the first signal that asks this process to stop. */
function signalled(): Promise<Deno.Signal> {
  const signals: readonly Deno.Signal[] = ["SIGTERM", "SIGINT"];
  return new Promise((resolve) => {
    const listeners = signals.map((signal) => {
      const listener = () => {
        // A second signal ends the process at once, and a listener left would keep it alive.
        for (const [at, other] of signals.entries()) {
          Deno.removeSignalListener(other, listeners[at] ?? listener);
        }
        resolve(signal);
      };
      Deno.addSignalListener(signal, listener);
      return listener;
    });
  });
}

/** One reload at a time: a signal that comes during one asks for another after it. */
function reloadOnHangUp(starting: Promise<RunningNode>): Disposable {
  // A node that does not start says so itself.
  let last: Promise<unknown> = starting.catch(() => {});
  const listener = () => {
    last = last.then(() => starting).then(reload);
  };
  Deno.addSignalListener("SIGHUP", listener);
  return { [Symbol.dispose]: () => Deno.removeSignalListener("SIGHUP", listener) };
}

async function reload(node: RunningNode): Promise<void> {
  try {
    await node.reloadCertificate();
  } catch (error) {
    // Nobody waits for an answer to a signal: what was shown before is shown on, and that is said.
    if (!(error instanceof McpError)) throw error;
    log.agent.error("Still showing the certificate from before: {reason}", {
      reason: errorChain(error),
    });
  }
}
