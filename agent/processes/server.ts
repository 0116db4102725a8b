/**
 * `mcp-agent server` — serves gRPC until told to stop.
 *
 * Grants, derived from the config by `mcp-agent permissions`:
 *   run          podman (and the alert command), nothing else
 *   read, write  /srv and the registry's folder; the config and certificate to read
 *   net          the listen address and the identity provider; podman's socket where there is one
 *   sys          disk, CPU, memory and uptime, for NodeStatus
 *   env          none: unlisted variables read as unset
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { log, startLog } from "../../lib/log.ts";
import { realClock } from "../../lib/system/clock.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";
import { realFiles } from "../../lib/system/files.ts";
import { version } from "../../lib/version.ts";
import { startNode } from "../assemble.ts";
import { loadConfig } from "../config.ts";
import { configOption, type Process } from "./process.ts";

/** Serves until SIGTERM or SIGINT, then lets running rollouts finish. */
export const server: Process<{ readonly config: string }> = {
  path: ["server"],
  summary: "Serve this node until told to stop",
  example: "mcp-agent server --config /srv/mcp/mcp-agent.toml",
  parser: object({ config: configOption() }),

  async run(input) {
    const config = await loadConfig(realFiles, input.config);
    const isTerminal = Deno.stdout.isTerminal();
    const encoder = new TextEncoder();
    await using _log = await startLog({
      level: config.logLevel,
      format: !isTerminal ? "json" : Deno.noColor ? "text" : "color",
      write: (line) => Deno.stdout.writeSync(encoder.encode(line)),
    });
    // Listened to before anything is begun, so that no signal finds the default, sudden end.
    const told = signalled();
    const node = await startNode(config, {
      clock: realClock,
      exec: realExec,
      follow: realFollow,
      files: realFiles,
      uptimeMs: () => Deno.osUptime() * 1000,
    });
    log.agent.info("Node {node} serves on {address} (mcp-agent {version})", {
      node: config.nodeName,
      address: config.server.address.replace(/\d+$/, String(node.port)),
      version,
    });
    log.agent.info("{signal}: stopping, running rollouts may finish", { signal: await told });
    await node.stop();
    log.agent.info("Stopped");
  },
};

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
