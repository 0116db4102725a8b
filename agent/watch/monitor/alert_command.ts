/**
 * Tells the operator: runs the configured argv with what it is about in its environment.
 *
 * The environment holds the `MCP_*` variables and a minimal PATH, and nothing of the
 * agent's own. No shell: no name or state is ever read as anything but a value.
 *
 * @module
 */

import { errorChain } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { Exec } from "../../../lib/system/exec.ts";
import type { Alert } from "./alert_rules.ts";

export interface AlertCommandOptions {
  readonly exec: Exec;
  /** Program and arguments; empty = alerts are only logged. */
  readonly argv: readonly string[];
  readonly node: string;
  /** Kills a command that still runs when the agent must end now. */
  readonly signal: AbortSignal;
}

const timeoutMs = 30_000;
const minimalPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The environment of the alert command. */
function alertEnvironment(alert: Alert, node: string): Record<string, string> {
  return {
    PATH: minimalPath,
    MCP_ALERT_TYPE: alert.kind,
    MCP_NODE: node,
    MCP_SERVICE: alert.service,
    MCP_COMPONENT: alert.component,
    MCP_DESIRED: alert.desired,
    MCP_OBSERVED: alert.observed,
    MCP_PREV_STATE: alert.previous,
    MCP_TRANSITIONS: String(alert.transitions),
  };
}

/**
 * Runs the command for one alert.
 *
 * Never throws: an alert command that fails or hangs is logged, and the monitor goes on.
 */
export async function runAlertCommand(
  alert: Alert,
  { exec, argv, node, signal }: AlertCommandOptions,
): Promise<void> {
  if (argv.length === 0) return;
  const about = { kind: alert.kind, service: alert.service, component: alert.component };
  try {
    const env = alertEnvironment(alert, node);
    const result = await exec(argv, { timeoutMs, signal, env, maxOutputBytes: 64 * 1024 });
    if (result.code === 0) return;
    log.monitor.error("The alert command failed for {kind} of {service}/{component}: {reason}", {
      ...about,
      reason: `exit code ${result.code}`,
      stderr: result.stderr.trim().slice(-1_000),
    });
  } catch (error) {
    log.monitor.error("The alert command failed for {kind} of {service}/{component}: {reason}", {
      ...about,
      reason: errorChain(error),
    });
  }
}
