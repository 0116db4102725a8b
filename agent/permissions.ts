/**
 * Which Deno permissions a config needs, and nothing beyond them.
 *
 * Pure. The unit, the installer, the demo and `mcp-agent permissions` all take
 * the server's flags from here, and `grants.ts` compares with it what was granted.
 *
 * @module
 */

import { isIP } from "node:net";
import { dirname } from "node:path";
import { McpError } from "../lib/errors.ts";
import type { AgentConfig } from "./config.ts";

/** What the server must be allowed, and nothing beyond it. */
export interface ServerNeeds {
  /** Programs, by name or absolute path. */
  readonly run: readonly string[];
  /** Paths, each with all that lies below it. */
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** "host:port" or "unix:/path". */
  readonly net: readonly string[];
  readonly sys: readonly string[];
}

/** What the doctor looks at outside the node's own folders: what rootless podman stands on. */
const hostFacts = ["/etc/subuid", "/etc/subgid", "/var/lib/systemd/linger"];

/**
 * What a config needs.
 *
 * @throws {McpError} `invalid` when that cannot be granted for itself.
 */
export function serverNeeds(config: AgentConfig): ServerNeeds {
  const { serviceRoot, databaseFile, server, auth } = config;
  const databaseFolder = dirname(databaseFile);
  const socket = podmanSocket(config);
  const sockets = socket === undefined ? [] : [socket];
  const [alertProgram] = config.monitor.alertCommand;
  return {
    run: distinct([
      config.podman,
      ...(alertProgram === undefined ? [] : [requireAbsolute(alertProgram)]),
    ]),
    read: withoutInner([
      serviceRoot,
      config.file,
      databaseFolder,
      server.certificateFile,
      server.keyFile,
      ...(auth.provider !== "local" && auth.caFile !== undefined ? [auth.caFile] : []),
      ...sockets,
      ...hostFacts,
    ]),
    write: withoutInner([serviceRoot, databaseFolder, ...sockets]),
    net: distinct([
      requireNumeric(server.address),
      ...identityUrls(auth).map(hostAndPort),
      ...probedHosts(server.address),
      ...sockets.map((path) => `unix:${path}`),
    ]),
    sys: ["statfs", "cpus", "systemMemoryInfo", "osUptime"],
  };
}

/** Path of the socket of podman's API service; undefined where podman is run directly. */
export function podmanSocket({ podmanUrl }: AgentConfig): string | undefined {
  return podmanUrl?.slice("unix://".length);
}

/**
 * The flags for `deno run`, without the program and its arguments.
 *
 * @throws {McpError} `invalid` when something in the config cannot be written as a flag.
 */
export function serverPermissions(config: AgentConfig): string[] {
  const { run, read, write, net, sys } = serverNeeds(config);
  return [
    "--no-prompt",
    // Variables that nobody granted read as unset: grpc-js asks for some when it is loaded.
    "--ignore-env",
    // Code comes from nowhere else. To deny is not enough: Deno 2.9 goes on trusting the hosts of
    // its default list, until another list, here of a name that can never exist, takes its place.
    "--deny-import",
    "--allow-import=none.invalid",
    flag("run", run),
    flag("read", read),
    flag("write", write),
    flag("net", net),
    flag("sys", sys),
  ];
}

/**
 * Where health checks are asked: the loopback and the node's own address, at any port. Which ports
 * components will publish is not known when the agent is started, and what is granted cannot grow.
 * Who listens on all addresses names none.
 */
function probedHosts(address: string): string[] {
  const host = address.slice(0, address.lastIndexOf(":"));
  const isUnspecified = /^(0\.0\.0\.0|\[[0:]+\])$/.test(host);
  return ["127.0.0.1", "[::1]", ...(isUnspecified ? [] : [host])];
}

function flag(name: string, values: readonly string[]): string {
  const parted = values.find((value) => value.includes(","));
  if (parted !== undefined) {
    // Deno parts values at commas and knows no way to write one: other paths would be granted.
    throw new McpError("invalid", `Cannot grant ${JSON.stringify(parted)}: it has a comma`, {
      hint: "Rename it, and correct the config",
    });
  }
  return `--allow-${name}=${values.join(",")}`;
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** Paths that lie below another one of the list are granted by it already. */
function withoutInner(paths: readonly string[]): string[] {
  return distinct(paths).filter((path) =>
    !paths.some((outer) => outer !== path && isWithin(path, outer))
  );
}

/** Whether a path is the other one, or lies below it. */
export function isWithin(path: string, outer: string): boolean {
  return path === outer || path.startsWith(outer.endsWith("/") ? outer : `${outer}/`);
}

/**
 * Deno looks for a program of mere name in the PATH of who is granted, and again in the PATH that the
 * program is given: only a path means the same to both.
 */
function requireAbsolute(alertProgram: string): string {
  if (alertProgram.startsWith("/")) return alertProgram;
  throw new McpError(
    "invalid",
    `Cannot grant the alert command ${JSON.stringify(alertProgram)}: it is no absolute path`,
    { hint: "Set monitor.alert_command to the program's path, e.g. /usr/local/bin/mcp-alert" },
  );
}

/** Deno asks for the address that is listened on, and only a resolver knows that of a name. */
function requireNumeric(address: string): string {
  const host = address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) !== 0) return address;
  throw new McpError(
    "invalid",
    `Cannot grant listening on ${JSON.stringify(address)}: it is no IP address`,
    { hint: 'Set server.grpc_addr to the IP address to listen on, e.g. "100.95.252.120:9444"' },
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
