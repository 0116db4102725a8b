/**
 * Text for systemd: the parts of units that are known on the machine only.
 *
 * @module
 */

import type { AgentConfig } from "../../config.ts";
import { serverPermissions } from "../../permissions.ts";

/** The unit with the number of its user in it. */
export function withUid(text: string, uid: number): string {
  return text.replaceAll("@UID@", String(uid));
}

/** How long the agent may take to stop once its rollouts have ended, in seconds. */
const stoppingSeconds = 30;

/**
 * What a config needs of the agent's unit: its permissions, spelled out, and time to stop.
 *
 * They are root's to write, so an agent that is taken over cannot give itself more.
 *
 * @param executable The path of the installed program.
 */
export function permissionsDropIn(config: AgentConfig, executable: string): string {
  const argv = [
    executable,
    ...serverPermissions(config),
    "server",
    "--config",
    config.file,
  ];
  const stopSeconds = Math.ceil(config.rollout.drainTimeoutMs / 1000) + stoppingSeconds;
  return `# What ${config.file} needs. Written by mcp-agent install, and again by the next one:
# change the config, then run it.

[Service]
ExecStart=
ExecStart=${argv.map(quoted).join(" \\\n  ")}
# rollout.drain_timeout and ${stoppingSeconds} s
TimeoutStopSec=${stopSeconds}
`;
}

/** One argument as systemd reads it: neither a specifier, nor a variable, nor parted. */
export function quoted(argument: string): string {
  const text = argument.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (!/[\s"'\\;]/.test(text) && text !== "") return text;
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
