/**
 * `mcp-agent init` — makes a node of this machine: config, private CA and certificate,
 * registry, first admin token.
 *
 * Refuses to touch a node that exists: nothing is ever overwritten.
 *
 * Grants:
 *   read, write  the folder of the config
 *   net          none: nothing is asked of anybody
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { withDefault } from "@optique/core/modifiers";
import { isIP } from "node:net";
import { dirname, join, resolve } from "node:path";
import { requireName } from "../../lib/domain/names.ts";
import { McpError } from "../../lib/errors.ts";
import { type NodeAddress, parseAddress } from "../../lib/rpc/address.ts";
import { realClock } from "../../lib/system/clock.ts";
import { type Files, realFiles } from "../../lib/system/files.ts";
import { createToken } from "../door/auth/local.ts";
import { decodeConfig } from "../config.ts";
import { Registry } from "../registry/registry.ts";
import { configOption, jsonFlag, optionalText, subcommand, textOption } from "./process.ts";
import { defaultLifetime, requireLifetime } from "./token.ts";

const authorityDays = 3650;
/** Browsers would refuse longer ones; doctor warns before it ends. */
export const certificateDays = 397;

/** Makes a node. */
export const init = subcommand({
  path: ["init"],
  summary: "Make a node of this machine: config, certificate, registry, first token",
  example: "mcp-agent init --node-name rift --address 100.95.252.120:9444",
  grants: ["--allow-read", "--allow-write"],
  parser: object({
    config: configOption(),
    json: jsonFlag(),
    nodeName: textOption("--node-name", "NAME", "What operators call this node"),
    address: textOption(
      "--address",
      "HOST:PORT",
      "Where operators dial this node; the certificate is made out to it",
    ),
    listen: optionalText(
      "--listen",
      "HOST:PORT",
      "Where the agent listens, if that is not the same",
    ),
    serviceRoot: withDefault(
      textOption("--service-root", "FOLDER", "The folder that holds one folder per service"),
      "/srv",
    ),
    podmanUrl: withDefault(
      textOption(
        "--podman-url",
        "URL",
        "podman's API service, e.g. unix:///run/mcp-podman/podman.sock",
      ),
      "",
    ),
    lifetime: withDefault(
      textOption("--token-lifetime", "DURATION", "How long the first token is valid"),
      defaultLifetime,
    ),
  }),

  async run(input, print) {
    const nodeName = requireName("node", input.nodeName);
    const address = requireAddress("--address", input.address);
    const listen = input.listen ?? input.address;
    requireListenable(requireAddress("--listen", listen), listen);
    const lifetimeMs = requireLifetime(input.lifetime);

    const configFile = resolve(input.config);
    const folder = dirname(configFile);
    const paths = {
      certificate: join(folder, "certs/cert.pem"),
      key: join(folder, "certs/key.pem"),
      authority: join(folder, "certs/ca.pem"),
      authorityKey: join(folder, "certs/ca-key.pem"),
      registry: join(folder, "mcp.db"),
    };
    const text = configText({
      ...input,
      nodeName,
      listen,
      serviceRoot: resolve(input.serviceRoot),
    });
    // A config that the server would refuse is not written.
    decodeConfig(text, configFile);
    await requireAbsent(realFiles, [configFile, ...Object.values(paths)]);

    // Loaded here alone: the server should not carry the certificate library in its memory.
    const { certificateDer, createAuthority, issueServerCertificate } = await import(
      "../node/identity/certificates.ts"
    );
    const now = realClock.now();
    const authority = await createAuthority({
      commonName: `MCP node ${nodeName} CA`,
      validDays: authorityDays,
      now,
    });
    const identity = await issueServerCertificate(authority, {
      commonName: nodeName,
      hosts: [...new Set([address.host, nodeName])],
      validDays: certificateDays,
      now,
    });
    await realFiles.writeText(paths.authorityKey, authority.key, { mode: 0o600 });
    await realFiles.writeText(paths.authority, authority.certificate, { mode: 0o644 });
    await realFiles.writeText(paths.key, identity.key, { mode: 0o600 });
    await realFiles.writeText(paths.certificate, identity.certificate, { mode: 0o644 });
    using registry = Registry.open(paths.registry);
    const { token, record } = createToken(registry, {
      subject: "operator",
      role: "admin",
      lifetimeMs,
      now,
    });
    // Last: a folder with a config is a node, and a run that was cut short before can be repeated
    // after removing what it left, which `requireAbsent` names.
    await realFiles.writeText(configFile, text, { mode: 0o640 });

    const caData = certificateDer(authority.certificate).toBase64();
    const nodeAdd = `mcp node add ${nodeName} ${input.address} --ca-data ${caData}`;
    if (input.json) {
      return print(JSON.stringify({
        node: nodeName,
        address: input.address,
        config: configFile,
        ca_data: caData,
        token,
        token_expires_at: record.expiresAt.toISOString(),
        node_add: nodeAdd,
      }));
    }
    print(`Node ${nodeName} is made:`);
    print(`  config       ${configFile}`);
    print(`  certificate  ${paths.certificate} for ${address.host}`);
    print(`  registry     ${paths.registry}`);
    print("");
    print(`Admin token, shown only now, until ${record.expiresAt.toISOString()}:`);
    print(`  ${token}`);
    print("");
    print("On this node:");
    print(`  mcp-agent server --config ${configFile}`);
    print("On the workstation, then paste the token:");
    print(`  ${nodeAdd} && mcp login ${nodeName}`);
  },
});

/** @throws {McpError} `invalid` */
export function requireAddress(flag: string, text: string): NodeAddress {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  throw new McpError("invalid", `Cannot use ${JSON.stringify(text)} as ${flag}`, {
    hint: "Write it like 100.95.252.120:9444 or rift.example:9444",
  });
}

/** The server can be granted to listen on an address only, not on a name. */
function requireListenable({ host }: NodeAddress, listen: string): void {
  if (isIP(host) !== 0) return;
  throw new McpError("invalid", `Cannot listen on ${JSON.stringify(listen)}: it is no IP address`, {
    hint: "Say the address of this machine with --listen, e.g. --listen 100.95.252.120:9444",
  });
}

async function requireAbsent(files: Files, paths: readonly string[]): Promise<void> {
  const existing: string[] = [];
  for (const path of paths) {
    if (await files.mode(path) !== undefined) existing.push(path);
  }
  if (existing.length === 0) return;
  throw new McpError("conflict", "Cannot make a node here: there is one already", {
    details: existing.map((path) => `${path} exists`),
    hint: "Use it with `mcp-agent server`, or choose another folder with --config",
  });
}

function configText(input: {
  readonly nodeName: string;
  readonly listen: string;
  readonly serviceRoot: string;
  readonly podmanUrl: string;
}): string {
  // JSON strings are TOML strings.
  const quoted = JSON.stringify;
  return `# Made by mcp-agent init. Every key and what it does: deploy/examples/mcp-agent.toml

[server]
grpc_addr = ${quoted(input.listen)}
tls_cert = "certs/cert.pem"
tls_key = "certs/key.pem"

[database]
path = "mcp.db"

[auth]
provider = "local"

[agent]
node_name = ${quoted(input.nodeName)}
podman_url = ${quoted(input.podmanUrl)}
service_root = ${quoted(input.serviceRoot)}

[log]
level = "info"
`;
}
