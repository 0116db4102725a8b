/**
 * What this process was granted, beside what its config needs.
 *
 * Deno tells of one grant at a time whether it is held, and lists none. What is needed can so be
 * checked exactly; what is held beyond it is found by asking for everything at once, for what
 * encloses the needed, and for things that nobody who needs so little would hold.
 *
 * @module
 */

import { McpError } from "../lib/errors.ts";
import type { AgentConfig } from "./config.ts";
import { isWithin, type ServerNeeds, serverNeeds } from "./permissions.ts";

/** What a process holds, compared with what it needs; each entry is a flag of `deno run`. */
export interface GrantComparison {
  readonly missing: string[];
  readonly broader: string[];
}

/** One permission that can be asked about, e.g. `--allow-read=/srv`. */
export interface Grant {
  readonly name: "run" | "read" | "write" | "net" | "sys" | "env" | "ffi" | "import";
  /** Undefined: everything of that name. */
  readonly value?: string;
}

/** Whether a grant is held; of a part of what was asked for that counts as well. */
type Holds = (grant: Grant) => Promise<boolean>;

/**
 * Compares what this process was granted with what a config needs.
 *
 * @throws {McpError} `invalid` when what the config needs cannot be granted for itself.
 */
export async function compareGrants(config: AgentConfig): Promise<GrantComparison> {
  return await compare(serverNeeds(config), holdsByDeno);
}

/**
 * Refuses grants that are not those that a config needs.
 *
 * @param configFile The config, for the next command.
 * @returns What is held beyond need, where that is allowed.
 * @throws {McpError} `conflict` with every flag that is missing, or every one that is too much.
 */
export function requireGrants(
  { missing, broader }: GrantComparison,
  options: { readonly allowsBroader: boolean; readonly configFile: string },
): readonly string[] {
  const derive =
    `Run \`mcp-agent permissions --config ${options.configFile}\` for the flags that are needed; ` +
    "on an installed node `mcp-agent install` writes them into its unit";
  if (missing.length > 0) {
    throw new McpError("conflict", "Cannot serve: permissions are missing", {
      // Deno grants no program that it cannot find.
      details: missing.map((flag) =>
        `${flag} is missing${
          flag.startsWith("--allow-run=") ? ", or there is no such program" : ""
        }`
      ),
      hint: derive,
    });
  }
  if (broader.length > 0 && !options.allowsBroader) {
    throw new McpError("conflict", "Cannot serve: more is permitted than this config needs", {
      details: broader.map((flag) => `${flag} is too much`),
      hint: `${derive}. In development, pass --allow-broad-permissions`,
    });
  }
  return broader;
}

/** Compares needs with what is held. */
export async function compare(needs: ServerNeeds, holds: Holds): Promise<GrantComparison> {
  const missing = await asyncFilter(neededGrants(needs), async (grant) => !await holds(grant));
  const suspicions = suspectGrants(needs);
  const held = await asyncFilter(suspicions, holds);
  const broader = withoutImplied(held);
  // With every one of the names held as a whole, one flag has granted them.
  const wholes = broader.filter(({ value }) => value === undefined);
  return {
    missing: missing.map(flagOf),
    broader: wholes.length === names.length ? ["--allow-all"] : broader.map(flagOf),
  };
}

const names = ["run", "read", "write", "net", "sys", "env", "ffi", "import"] as const;

/** What must be held. */
function neededGrants(needs: ServerNeeds): Grant[] {
  return (["run", "read", "write", "net", "sys"] as const)
    .flatMap((name) => needs[name].map((value) => ({ name, value })));
}

/** Folders of which nobody needs all; what a node does need of them is more exact. */
const wideFolders = [
  "/",
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/home",
  "/opt",
  "/proc",
  "/root",
  "/run",
  "/srv",
  "/sys",
  "/tmp",
  "/usr",
  "/var",
  "/var/lib",
  "/var/tmp",
];
/** Programs that would do anything for who may run them. */
const widePrograms = [
  "/bin/bash",
  "/bin/sh",
  "/usr/bin/bash",
  "/usr/bin/env",
  "/usr/bin/nsenter",
  "/usr/bin/perl",
  "/usr/bin/python3",
  "/usr/bin/sh",
  "/usr/bin/sudo",
  "/usr/bin/systemctl",
  "/usr/bin/unshare",
];
/** Somebody else's doors; the first is any host's that Deno knows no name of. */
const wideHosts = [
  "example.com:443",
  "127.0.0.1:22",
  "127.0.0.2:22",
  "localhost:22",
  "0.0.0.0:22",
  "[::]:22",
  "169.254.169.254:80",
  "unix:/run/dbus/system_bus_socket",
  "unix:/run/docker.sock",
  "unix:/run/podman/podman.sock",
];
/** All kinds there are in Deno 2.9. */
const sysKinds = [
  "cpus",
  "getegid",
  "getPriority",
  "gid",
  "homedir",
  "hostname",
  "inspector",
  "loadavg",
  "networkInterfaces",
  "osRelease",
  "osUptime",
  "setegid",
  "seteuid",
  "setgid",
  "setPriority",
  "setuid",
  "statfs",
  "systemMemoryInfo",
  "uid",
  "umask",
  "userInfo",
  "username",
];
const wideVariables = ["HOME", "PATH", "LD_PRELOAD", "MCP_TOKEN", "SSH_AUTH_SOCK"];
/** Hosts whose code Deno runs unless it is told otherwise. */
const codeHosts = ["deno.land:443", "esm.sh:443", "jsr.io:443", "raw.githubusercontent.com:443"];

/** What nobody holds who was granted these needs and no more; wider ones first. */
export function suspectGrants(needs: ServerNeeds): Grant[] {
  const paths = (needed: readonly string[]) =>
    distinct([...needed.flatMap(enclosing), ...wideFolders])
      .filter((path) => !needed.some((need) => isWithin(path, need)))
      .sort((one, other) => one.length - other.length);
  const except = (values: readonly string[], needed: readonly string[]) =>
    values.filter((value) => !needed.includes(value));
  return [
    ...names.map((name) => ({ name })),
    ...except(widePrograms, needs.run).map((value) => ({ name: "run" as const, value })),
    ...paths(needs.read).map((value) => ({ name: "read" as const, value })),
    ...paths(needs.write).map((value) => ({ name: "write" as const, value })),
    // A host without its port is all its ports.
    ...distinct([...needs.net.flatMap(hostOnly), ...wideHosts])
      .filter((value) => ![value, ...hostOnly(value)].some((each) => needs.net.includes(each)))
      .map((value) => ({ name: "net" as const, value })),
    ...except(sysKinds, needs.sys).map((value) => ({ name: "sys" as const, value })),
    ...wideVariables.map((value) => ({ name: "env" as const, value })),
    ...distinct([...needs.read, ...needs.write, "/", "/usr/lib"])
      .map((value) => ({ name: "ffi" as const, value })),
    ...codeHosts.map((value) => ({ name: "import" as const, value })),
  ];
}

/** The folders that a path lies in, e.g. "/", "/srv" for "/srv/mcp". */
function enclosing(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "").slice(0, -1);
  return ["/", ...parts.map((_, at) => `/${parts.slice(0, at + 1).join("/")}`)];
}

function hostOnly(hostAndPort: string): string[] {
  if (hostAndPort.startsWith("unix:")) return [];
  return [hostAndPort.replace(/:\d+$/, "")];
}

/** Grants that a wider one of the list brings with it are not told beside it. */
function withoutImplied(held: readonly Grant[]): Grant[] {
  return held.filter(({ name, value }) =>
    value === undefined ||
    !held.some((other) =>
      other.name === name && other.value !== value &&
      (other.value === undefined ||
        (name === "read" || name === "write" || name === "ffi") && isWithin(value, other.value))
    )
  );
}

function flagOf({ name, value }: Grant): string {
  return value === undefined ? `--allow-${name}` : `--allow-${name}=${value}`;
}

/** {@link Holds} by Deno. A whole of which a part is denied is held all the same. */
const holdsByDeno: Holds = async (grant) =>
  (await Deno.permissions.query(descriptorOf(grant))).state === "granted";

function descriptorOf({ name, value }: Grant): Deno.PermissionDescriptor {
  if (value === undefined) return { name };
  switch (name) {
    case "run":
      return { name, command: value };
    case "read":
    case "write":
    case "ffi":
      return { name, path: value };
    case "net":
    case "import":
      return { name, host: value };
    case "env":
      return { name, variable: value };
    case "sys":
      return { name, kind: value as NonNullable<Deno.SysPermissionDescriptor["kind"]> };
  }
}

async function asyncFilter<T>(
  values: readonly T[],
  isKept: (value: T) => Promise<boolean>,
): Promise<T[]> {
  const kept = await Promise.all(values.map(isKept));
  return values.filter((_, at) => kept[at]);
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
