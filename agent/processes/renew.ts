/**
 * `mcp-agent renew` — issues the node a new certificate and key, by the authority that `init` made.
 *
 * Operators keep trusting it: the authority stays. A running agent shows the new one once it is told
 * to (`systemctl reload mcp-agent`); until then, and if this is cut short, it goes on with the old one.
 *
 * Grants:
 *   read, write  the config, the certificates and the authority's key, wherever the config says
 *   sys          whose files they would become
 *   net          none: nothing is asked of anybody
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { object } from "@optique/core/constructs";
import { McpError } from "../../lib/errors.ts";
import { certificatesIn } from "../../lib/pem.ts";
import { realClock } from "../../lib/system/clock.ts";
import { realFiles } from "../../lib/system/files.ts";
import { type AgentConfig, loadConfig } from "../config.ts";
import { certificateDays, requireAddress } from "./init.ts";
import { configOption, jsonFlag, optionalText, subcommand } from "./process.ts";

/** Renews. */
export const renew = subcommand({
  path: ["renew"],
  summary: "Issue a new certificate for this node, by its own authority",
  example: "mcp-agent renew && systemctl reload mcp-agent",
  grants: ["--allow-read", "--allow-write", "--allow-sys=uid"],
  parser: object({
    config: configOption(),
    json: jsonFlag(),
    address: optionalText(
      "--address",
      "HOST:PORT",
      "Where operators dial this node, besides the names of the old certificate",
    ),
  }),

  async run({ config: configPath, json, address }, print) {
    const config = await loadConfig(realFiles, configPath);
    const { certificateFile, keyFile } = config.server;
    await requireOwner(config);
    const authority = await readAuthority(config);
    const added = address === undefined
      ? []
      : [requireAddress("--address", address).host, config.nodeName];
    const hosts = [...new Set([...await hostsOfOld(config, added.length > 0), ...added])];
    // Loaded here alone: the server should not carry the certificate library in its memory.
    const { issueServerCertificate } = await import("../node/identity/certificates.ts");
    const { certificate, key } = await issueServerCertificate(authority, {
      commonName: config.nodeName,
      hosts,
      validDays: certificateDays,
      now: realClock.now(),
    });
    // Cut short between the two they are no pair, which a running agent does not take up; this can
    // then be run again, for it needs the certificate only.
    await realFiles.writeText(keyFile, key, { mode: 0o600 });
    await realFiles.writeText(certificateFile, certificate, { mode: 0o644 });
    const until = new X509Certificate(certificate).validTo;
    const expiresAt = new Date(until).toISOString();
    if (json) {
      return print(JSON.stringify({ certificate: certificateFile, hosts, expires_at: expiresAt }));
    }
    print(`Wrote ${certificateFile} for ${hosts.join(", ")}, until ${expiresAt}`);
    print("Next: as root, run `systemctl reload mcp-agent`");
  },
});

/** The agent could not read a key that root has written. */
async function requireOwner({ databaseFile, file }: AgentConfig): Promise<void> {
  const owner = await stat(databaseFile).then(({ uid }) => uid, () => undefined);
  const uid = Deno.uid();
  if (owner === undefined || uid === null || owner === uid) return;
  throw new McpError("conflict", "Cannot renew: the agent would not own its certificate", {
    cause: new Error(`the node belongs to uid ${owner}, and this is uid ${uid}`),
    hint: `Run \`runuser -u mcp -- mcp-agent renew --config ${file}\``,
  });
}

async function readAuthority({ server: { certificateFile, keyFile } }: AgentConfig) {
  const folder = dirname(certificateFile);
  const paths = { certificate: join(folder, "ca.pem"), key: join(folder, "ca-key.pem") };
  const [certificate, key] = await Promise.all(
    [paths.certificate, paths.key].map((path) => realFiles.readText(path)),
  );
  if (certificate === undefined || key === undefined) {
    throw new McpError("conflict", "Cannot renew: this node's authority is not here", {
      cause: new Error(`${certificate === undefined ? paths.certificate : paths.key} is missing`),
      hint:
        `Put a certificate of your own authority at ${certificateFile} and its key at ${keyFile}, ` +
        "then run `systemctl reload mcp-agent`",
    });
  }
  const [own] = certificatesIn(certificate).certificates;
  if (own !== undefined && own.validUntil <= realClock.now()) {
    throw new McpError("conflict", "Cannot renew: this node's authority has expired itself", {
      cause: new Error(`it ended at ${own.validUntil.toISOString()}`),
      hint: `Move ${folder} away, and make the node anew with \`mcp-agent init\``,
    });
  }
  return { certificate, key };
}

/** Whom the old one is made out to; nobody, where it cannot be read and others are known. */
async function hostsOfOld(
  { server: { certificateFile } }: AgentConfig,
  othersAreKnown: boolean,
): Promise<string[]> {
  const hosts = hostsIn(await realFiles.readText(certificateFile) ?? "");
  if (hosts.length > 0 || othersAreKnown) return hosts;
  throw new McpError("invalid", `Cannot renew ${certificateFile}: nothing in it says for whom`, {
    hint: "Say where operators dial this node with --address HOST:PORT",
  });
}

function hostsIn(pem: string): string[] {
  let names: string;
  try {
    names = new X509Certificate(pem).subjectAltName ?? "";
  } catch {
    // It is no certificate; what the library says of it may quote it.
    return [];
  }
  return names.split(", ")
    .flatMap((name) => /^(?:DNS|IP Address):(.+)$/.exec(name)?.[1] ?? []);
}
