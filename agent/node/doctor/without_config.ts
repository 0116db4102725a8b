/**
 * The findings where there is no config, or one with mistakes: that itself, and whatever does not
 * depend on it. Pure.
 *
 * @module
 */

import { type Finding, well } from "../../../lib/domain/finding.ts";
import { errorChain, McpError } from "../../../lib/errors.ts";
import { type AgentConfig, decodeConfig } from "../../config.ts";
import { layoutBelow, nodePodmanUrl } from "../install/layout.ts";
import { quoted, reinstall } from "./fixes.ts";

const install = "mcp-agent install --node-name NAME --address HOST:9444";

const { config: installedConfig, serviceRoot } = layoutBelow("");

/** What can be said of a node without its config. */
const independent = new Set([
  "user",
  "linger",
  "subuid",
  "subgid",
  "podman",
  "rootless",
  "cgroups",
  "storage_driver",
  "log_driver",
  "event_logger",
  "container_disk",
  "service_root",
  "service_certificates",
  "disk",
  "memory",
  "time_sync",
  "units",
]);

/** A config such as the installer writes, to look by where there is none. */
export function assumedConfig(): AgentConfig {
  return decodeConfig(
    `[server]
grpc_addr = "0.0.0.0:9444"
tls_cert = "certs/cert.pem"
tls_key = "certs/key.pem"
[database]
path = "mcp.db"
[agent]
node_name = "node"
podman_url = ${JSON.stringify(nodePodmanUrl)}
service_root = ${JSON.stringify(serviceRoot)}
`,
    installedConfig,
  );
}

/** What is wrong with the config, then the findings that hold without it. */
export function findingsWithoutConfig(
  file: string,
  failure: unknown,
  findings: readonly Finding[],
): Finding[] {
  const isNew = failure instanceof McpError && failure.kind === "not_found";
  return [
    configFinding(file, failure),
    ...findings.filter(({ id }) => independent.has(id))
      // A new node has to be told what it is called.
      .map((finding) =>
        isNew && finding.fix === reinstall ? { ...finding, fix: install } : finding
      ),
  ];
}

function configFinding(file: string, failure: unknown): Finding {
  const finding = { ...well("config", ""), level: "error" as const };
  const details = failure instanceof McpError ? failure.details : [];
  const what = [errorChain(failure), ...details].join("; ");
  if (failure instanceof McpError && failure.kind === "not_found") {
    const why = "This machine is no node yet, or its config lies elsewhere: see --config.";
    return { ...finding, what: `there is no ${file}`, why, fix: install };
  }
  if (failure instanceof McpError && failure.kind === "invalid") {
    const why = "The agent does not start with it.";
    return { ...finding, what, why, fix: `vi ${quoted(file)} && systemctl restart mcp-agent` };
  }
  const fix = `sudo mcp-agent doctor --config ${quoted(file)}`;
  return { ...finding, level: "unknown", what, fix };
}
