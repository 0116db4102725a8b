/**
 * Which Deno permissions a config needs, and nothing beyond them.
 *
 * Pure. The unit, the installer, the demo and `mcp-agent permissions` all take
 * the server's flags from here.
 *
 * @module
 */

import { dirname } from "node:path";
import { McpError } from "../lib/errors.ts";
import type { AgentConfig } from "./config.ts";

/**
 * The flags for `deno run`, without the program and its arguments.
 *
 * @throws {McpError} `invalid` when something in the config cannot be written as a flag.
 */
export function serverPermissions(config: AgentConfig): string[] {
  const { serviceRoot, databaseFile, server, podmanUrl, auth } = config;
  const databaseFolder = dirname(databaseFile);
  const socket = podmanUrl?.slice("unix://".length);
  const [alertProgram] = config.monitor.alertCommand;
  const read = [
    serviceRoot,
    config.file,
    databaseFolder,
    server.certificateFile,
    server.keyFile,
    ...(auth.provider !== "local" && auth.caFile !== undefined ? [auth.caFile] : []),
  ];
  const net = [server.address, ...identityUrls(auth).map(hostAndPort)];
  return [
    "--no-prompt",
    // Variables that nobody granted read as unset: grpc-js asks for some when it is loaded.
    "--ignore-env",
    flag("run", [config.podman, ...(alertProgram === undefined ? [] : [alertProgram])]),
    flag("read", [...read, ...(socket === undefined ? [] : [socket])]),
    flag("write", [serviceRoot, databaseFolder, ...(socket === undefined ? [] : [socket])]),
    flag("net", [...net, ...(socket === undefined ? [] : [`unix:${socket}`])]),
    flag("sys", ["statfs", "cpus", "systemMemoryInfo", "osUptime"]),
  ];
}

function flag(name: string, values: readonly string[]): string {
  const parted = values.find((value) => value.includes(","));
  if (parted !== undefined) {
    // Deno parts values at commas and knows no way to write one: other paths would be granted.
    throw new McpError("invalid", `Cannot grant ${JSON.stringify(parted)}: it has a comma`, {
      hint: "Rename it, and correct the config",
    });
  }
  return `--allow-${name}=${withoutInner([...new Set(values)]).join(",")}`;
}

/** Paths that lie below another one of the list are granted by it already. */
function withoutInner(values: readonly string[]): string[] {
  return values.filter((value) =>
    !values.some((outer) => outer !== value && value.startsWith(`${outer}/`))
  );
}

/** Where the identity provider is asked. */
function identityUrls(auth: AgentConfig["auth"]): string[] {
  switch (auth.provider) {
    case "local":
      return [];
    case "mcias":
      return [auth.serverUrl];
    case "oidc":
      // Where the keys are is known here only if it is said, so the agent asks no other host for them.
      return [auth.issuer, ...(auth.jwksUri === undefined ? [] : [auth.jwksUri])];
  }
}

function hostAndPort(text: string): string {
  const url = new URL(text);
  return `${url.hostname}:${url.port === "" ? "443" : url.port}`;
}
