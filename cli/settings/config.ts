/**
 * `mcp.toml`: where it is, its shape, its defaults, its contradictions.
 *
 * Read raw, decoded whole, then refused with every mistake at once. Paths come
 * out absolute: relative ones are relative to the config's own folder.
 *
 * @module
 */

import { dirname, isAbsolute, join, resolve } from "node:path";
import * as z from "zod";
import type { Complaint } from "../../lib/domain/complaint.ts";
import { isName, nameRule } from "../../lib/domain/names.ts";
import { McpError } from "../../lib/errors.ts";
import { isIssuer, issuerRule } from "../../lib/oidc/issuer.ts";
import { parseAddress } from "../../lib/rpc/address.ts";
import type { Files } from "../../lib/system/files.ts";
import { decodeToml, refusal } from "../../lib/toml/decode.ts";
import { parseToml } from "../../lib/toml/parse.ts";
import type { Environment } from "../system.ts";

/** A machine with an agent. */
export interface Node {
  readonly name: string;
  /** "host:port". */
  readonly address: string;
  /** File with the PEM of the only CA to trust for it; the well-known roots when undefined. */
  readonly caCert: string | undefined;
}

/** The operator's config, fully defaulted. */
export interface Config {
  /** The file it was read from. */
  readonly file: string;
  /** Folder of the service definitions. */
  readonly servicesDir: string;
  readonly identity: IdentityConfig;
  /** File of the token that all nodes accept. */
  readonly tokenPath: string;
  /** System account for unattended logins. */
  readonly account: { readonly username: string; readonly passwordFile: string } | undefined;
  readonly nodes: readonly Node[];
}

/** Where tokens come from; "local": from the agents themselves, one for each. */
export type IdentityConfig = { readonly provider: "local" } | MciasConfig | OidcConfig;

/** The platform's identity service. */
export interface MciasConfig {
  readonly provider: "mcias";
  readonly serverUrl: string;
  readonly caCert: string | undefined;
  readonly serviceName: string;
}

/** An OpenID Connect provider. */
export interface OidcConfig {
  readonly provider: "oidc";
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  /** Which of its tokens the agents are shown. */
  readonly token: "id_token" | "access_token";
  /** What the tokens are for; undefined = the provider decides. */
  readonly resource: string | undefined;
  readonly caCert: string | undefined;
}

const optionalText = z.string().default("");
/** The shape of `mcp.toml`; every key is in `deploy/examples/mcp.toml`. */
export const cliConfigSchema = z.strictObject({
  services: z.strictObject({ dir: z.string().default("services") }).prefault({}),
  mcias: z.strictObject({
    server_url: z.string().refine((text) => URL.parse(text)?.protocol === "https:", {
      error: 'an address like "https://mcias.example:8443"',
    }),
    ca_cert: optionalText,
    service_name: z.string().default("mcp"),
  }).optional(),
  oidc: z.strictObject({
    issuer: z.string().refine(isIssuer, { error: issuerRule }),
    client_id: z.string().min(1),
    scope: z.string().default("openid offline_access"),
    token: z.enum(["id_token", "access_token"]).default("id_token"),
    resource: optionalText,
    ca_cert: optionalText,
  }).optional(),
  auth: z.strictObject({
    provider: z.enum(["local", "mcias", "oidc"]).optional(),
    token_path: z.string().default("token"),
    username: optionalText,
    password_file: optionalText,
  }).prefault({}),
  tls: z.strictObject({ ca_cert: optionalText }).prefault({}),
  nodes: z.array(z.strictObject({
    name: z.string().refine(isName, { error: `a node name (${nameRule})` }),
    address: z.string().refine((text) => parseAddress(text) !== undefined, {
      error: '"host:port", e.g. "192.0.2.7:9444"',
    }),
    ca_cert: optionalText,
  })).default([]),
});

/**
 * Where the config is: `--config`, then MCP_CONFIG, then the XDG folder.
 *
 * @param given The value of `--config`.
 * @throws {McpError} `invalid` when nothing says where.
 */
export function locateConfig(env: Environment, given: string | undefined): string {
  const named = given ?? env.MCP_CONFIG;
  if (named !== undefined && named !== "") return resolve(named);
  const xdg = env.XDG_CONFIG_HOME ?? "";
  // The XDG specification tells to ignore relative paths here.
  if (isAbsolute(xdg)) return join(xdg, "mcp", "mcp.toml");
  const home = env.HOME ?? "";
  if (isAbsolute(home)) return join(home, ".config", "mcp", "mcp.toml");
  throw new McpError("invalid", "Cannot tell where the config is: HOME is not set", {
    hint: "Pass --config FILE or set MCP_CONFIG",
  });
}

/**
 * Reads the config.
 *
 * @throws {McpError} `not_found` when there is no such file, `invalid` when it has mistakes.
 */
export async function loadConfig(
  { files, env }: { readonly files: Files; readonly env: Environment },
  file: string,
): Promise<Config> {
  const text = await files.readText(file);
  if (text === undefined) {
    throw new McpError("not_found", `There is no config ${file} yet`, {
      hint: "Run `mcp node add <name> <host:port>` with the first node",
    });
  }
  return parseConfig(text, file, env.HOME);
}

/**
 * Decodes the text of a config.
 *
 * @param home What `~/` stands for.
 * @throws {McpError} `invalid`, one detail per mistake.
 */
export function parseConfig(text: string, file: string, home: string | undefined): Config {
  const toml = parseToml(text, file);
  const raw = decodeToml(cliConfigSchema, toml, "the config");
  const contradictions = contradictionsIn(raw);
  if (contradictions.length > 0) throw refusal(toml, "the config", contradictions);

  const folder = dirname(resolve(file));
  const path = (written: string) =>
    written.startsWith("~/") && home !== undefined
      ? join(home, written.slice(2))
      : resolve(folder, written);
  const optionalPath = (written: string) => written === "" ? undefined : path(written);
  const { username, password_file, token_path } = raw.auth;
  return {
    file,
    servicesDir: path(raw.services.dir),
    identity: identityOf(raw, optionalPath),
    tokenPath: path(token_path),
    account: username === "" ? undefined : { username, passwordFile: path(password_file) },
    nodes: raw.nodes.map((node) => ({
      name: node.name,
      address: node.address,
      caCert: optionalPath(node.ca_cert) ?? optionalPath(raw.tls.ca_cert),
    })),
  };
}

/** The provider that is said or meant; {@link contradictionsIn} has seen to it that there is one. */
function identityOf(
  { auth, mcias, oidc }: z.output<typeof cliConfigSchema>,
  optionalPath: (written: string) => string | undefined,
): IdentityConfig {
  if (mcias !== undefined && (auth.provider ?? "mcias") === "mcias") {
    return {
      provider: "mcias",
      serverUrl: mcias.server_url,
      caCert: optionalPath(mcias.ca_cert),
      serviceName: mcias.service_name,
    };
  }
  if (oidc !== undefined && (auth.provider ?? "oidc") === "oidc") {
    return {
      provider: "oidc",
      issuer: oidc.issuer,
      clientId: oidc.client_id,
      scope: oidc.scope,
      token: oidc.token,
      resource: oidc.resource === "" ? undefined : oidc.resource,
      caCert: optionalPath(oidc.ca_cert),
    };
  }
  return { provider: "local" };
}

/** What is well-formed line by line and still makes no sense. */
function contradictionsIn(raw: z.output<typeof cliConfigSchema>): Complaint[] {
  const complaints: Complaint[] = [];
  const { provider, username, password_file } = raw.auth;
  if (provider === undefined && raw.mcias !== undefined && raw.oidc !== undefined) {
    complaints.push({
      path: ["auth", "provider"],
      expected: 'a provider, because there are tables for "mcias" and "oidc"',
      found: "nothing",
    });
  }
  if (provider !== undefined && provider !== "local" && raw[provider] === undefined) {
    complaints.push({
      path: [provider],
      expected: `a table, because auth.provider is "${provider}"`,
      found: "nothing",
    });
  }
  const isComplete = username !== "" && password_file !== "";
  if (isComplete && (raw.mcias === undefined || (provider ?? "mcias") !== "mcias")) {
    complaints.push({
      path: ["auth", "username"],
      expected: "MCIAS as the provider, to log in at",
      found: "another",
    });
  }
  if (username !== "" && password_file === "") {
    complaints.push({
      path: ["auth", "username"],
      expected: "password_file beside it",
      found: "it alone",
    });
  }
  if (username === "" && password_file !== "") {
    complaints.push({
      path: ["auth", "password_file"],
      expected: "username beside it",
      found: "it alone",
    });
  }
  const firstAt = new Map<string, number>();
  raw.nodes.forEach(({ name }, at) => {
    const first = firstAt.get(name);
    if (first === undefined) firstAt.set(name, at);
    else {
      complaints.push({
        path: ["nodes", at, "name"],
        expected: "a name of its own",
        found: `${JSON.stringify(name)} again (see nodes[${first}])`,
      });
    }
  });
  return complaints;
}

/**
 * The nodes to ask.
 *
 * @throws {McpError} `not_found` when the config has none.
 */
export function requireNodes(config: Config): readonly Node[] {
  if (config.nodes.length > 0) return config.nodes;
  throw new McpError("not_found", `There are no nodes in ${config.file} yet`, {
    hint: "Run `mcp node add <name> <host:port>`",
  });
}
