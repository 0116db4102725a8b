/**
 * `mcp-agent.toml`: its shape, its defaults, and what contradicts itself.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import * as z from "zod";
import type { Complaint } from "../lib/domain/complaint.ts";
import { formatDuration } from "../lib/domain/duration.ts";
import { isName, nameRule } from "../lib/domain/names.ts";
import { type Privilege, privileges } from "../lib/domain/privileges.ts";
import { McpError } from "../lib/errors.ts";
import { logLevels } from "../lib/log.ts";
import { isIssuer, issuerRule } from "../lib/oidc/issuer.ts";
import { parseAddress } from "../lib/rpc/address.ts";
import type { Files } from "../lib/system/files.ts";
import { decodeToml, durationMs, refusal } from "../lib/toml/decode.ts";
import { parseToml } from "../lib/toml/parse.ts";

/** Where the config lies on a node, unless the command line says otherwise. */
export const defaultConfigPath = "/srv/mcp/mcp-agent.toml";

/** The shape of `mcp-agent.toml`; every key is in `deploy/examples/mcp-agent.toml`. */
export const agentConfigSchema = z.strictObject({
  server: z.strictObject({
    grpc_addr: textThat('"host:port"', (text) => parseAddress(text) !== undefined),
    tls_cert: z.string(),
    tls_key: z.string(),
  }),
  database: z.strictObject({ path: z.string() }),
  auth: z.strictObject({ provider: z.enum(["local", "mcias", "oidc"]).optional() }).prefault({}),
  mcias: z.strictObject({
    server_url: textThat('an "https://" URL', isHttpsUrl),
    ca_cert: z.string().default(""),
    service_name: z.string().default("mcp-agent"),
  }).optional(),
  oidc: z.strictObject({
    issuer: textThat(issuerRule, isIssuer),
    audience: someText(),
    jwks_uri: textThat('an "https://" URL or ""', (text) => text === "" || isHttpsUrl(text))
      .default(""),
    ca_cert: z.string().default(""),
    subject_claim: someText().default("sub"),
    role_claim: someText().default("roles"),
    admin_role: someText().default("admin"),
  }).optional(),
  agent: z.strictObject({
    node_name: textThat(`a node name (${nameRule})`, isName),
    container_runtime: z.string().default("podman"),
    podman_url: textThat(
      '"unix:///path/to/podman.sock" or ""',
      (text) => text === "" || /^unix:\/\/\/[^\s]+$/.test(text),
    ).default(""),
    service_root: textThat("an absolute path", (text) => text.startsWith("/")).default("/srv"),
    allow: z.array(z.enum(privileges)).default([]),
    keep_revisions: z.int().min(1).max(1_000).default(3),
  }),
  rollout: z.strictObject({
    settle: durationMs().prefault("3s"),
    pull_timeout: timeThatPasses().prefault("10m"),
    job_timeout: timeThatPasses().prefault("1h"),
    stop_timeout: durationMs().prefault("10s"),
    drain_timeout: durationMs().prefault("60s"),
  }).prefault({}),
  monitor: z.strictObject({
    interval: timeThatPasses().prefault("60s"),
    alert_command: z.array(z.string()).default([]),
    cooldown: durationMs().prefault("15m"),
    flap_threshold: z.int().min(1).default(3),
    flap_window: durationMs().prefault("10m"),
    retention: durationMs().prefault("30d"),
    alert_recovered: z.boolean().default(false),
  }).prefault({}),
  log: z.strictObject({ level: z.enum(logLevels).default("info") }).prefault({}),
});

/** The agent's config, fully defaulted; all paths absolute, all durations in milliseconds. */
export interface AgentConfig {
  /** The file this was read from. */
  readonly file: string;
  readonly server: {
    /** "host:port" to listen on. */
    readonly address: string;
    readonly certificateFile: string;
    readonly keyFile: string;
  };
  readonly databaseFile: string;
  readonly auth:
    | { readonly provider: "local" }
    | {
      readonly provider: "mcias";
      readonly serverUrl: string;
      readonly caFile: string | undefined;
      readonly serviceName: string;
    }
    | {
      readonly provider: "oidc";
      readonly issuer: string;
      readonly audience: string;
      /** Undefined: where the issuer says, on its own host. */
      readonly jwksUri: string | undefined;
      readonly caFile: string | undefined;
      readonly subjectClaim: string;
      readonly roleClaim: string;
      readonly adminRole: string;
    };
  readonly nodeName: string;
  /** Name or path of the podman program. */
  readonly podman: string;
  /** `podman --remote --url`; undefined = podman runs as a child of the agent. */
  readonly podmanUrl: string | undefined;
  /** The folder that holds one folder per service. */
  readonly serviceRoot: string;
  /** The dangerous things that a component may ask for. */
  readonly allow: readonly Privilege[];
  /** Of so many good revisions of each component, the newest, images are kept to go back to. */
  readonly keepRevisions: number;
  readonly rollout: {
    /** How long a new container must stay up to be believed. */
    readonly settleMs: number;
    readonly pullTimeoutMs: number;
    /** How long a job may run that is being rolled out. */
    readonly jobTimeoutMs: number;
    /** How long a container may take to stop before it is killed. */
    readonly stopTimeoutMs: number;
    /** How long the agent waits for running rollouts when it is told to stop. */
    readonly drainTimeoutMs: number;
  };
  readonly monitor: {
    readonly intervalMs: number;
    readonly alertCommand: readonly string[];
    readonly cooldownMs: number;
    readonly flapThreshold: number;
    readonly flapWindowMs: number;
    readonly retentionMs: number;
    /** Whether to tell when a component that was alerted is well again. */
    readonly alertRecovered: boolean;
  };
  readonly logLevel: (typeof logLevels)[number];
}

/**
 * Reads and checks the config.
 *
 * @throws {McpError} `not_found` when there is no such file, `invalid` with every
 *   mistake in it otherwise.
 */
export async function loadConfig(files: Files, path: string): Promise<AgentConfig> {
  const file = resolve(path);
  const text = await files.readText(file);
  if (text === undefined) {
    throw new McpError("not_found", `Cannot read the config ${file}: there is no such file`, {
      hint: "Run `mcp-agent init`, or name the file with --config",
    });
  }
  return decodeConfig(text, file);
}

/** Decodes the text of a config. */
export function decodeConfig(text: string, file: string): AgentConfig {
  const toml = parseToml(text, file);
  const raw = decodeToml(agentConfigSchema, toml, "the config");
  const at = (path: string) => resolve(dirname(file), path);
  const auth = authOf(raw, at);
  const contradictions = [
    ...("provider" in auth ? [] : [auth]),
    ...forgettingTooSoon(raw.monitor),
  ];
  if (!("provider" in auth) || contradictions.length > 0) {
    throw refusal(toml, "the config", contradictions);
  }

  return {
    file,
    server: {
      address: raw.server.grpc_addr,
      certificateFile: at(raw.server.tls_cert),
      keyFile: at(raw.server.tls_key),
    },
    databaseFile: at(raw.database.path),
    auth,
    nodeName: raw.agent.node_name,
    podman: raw.agent.container_runtime,
    podmanUrl: raw.agent.podman_url === "" ? undefined : raw.agent.podman_url,
    serviceRoot: resolve(raw.agent.service_root),
    allow: raw.agent.allow,
    keepRevisions: raw.agent.keep_revisions,
    rollout: {
      settleMs: raw.rollout.settle,
      pullTimeoutMs: raw.rollout.pull_timeout,
      jobTimeoutMs: raw.rollout.job_timeout,
      stopTimeoutMs: raw.rollout.stop_timeout,
      drainTimeoutMs: raw.rollout.drain_timeout,
    },
    monitor: {
      intervalMs: raw.monitor.interval,
      alertCommand: raw.monitor.alert_command,
      cooldownMs: raw.monitor.cooldown,
      flapThreshold: raw.monitor.flap_threshold,
      flapWindowMs: raw.monitor.flap_window,
      retentionMs: raw.monitor.retention,
      alertRecovered: raw.monitor.alert_recovered,
    },
    logLevel: raw.log.level,
  };
}

/** The provider that is said or meant, with its table; or what contradicts that. */
function authOf(
  { auth, mcias, oidc }: z.output<typeof agentConfigSchema>,
  at: (path: string) => string,
): AgentConfig["auth"] | Complaint {
  const tables = { local: {}, mcias, oidc };
  const meant = (["mcias", "oidc"] as const).filter((name) => tables[name] !== undefined);
  if (auth.provider === undefined && meant.length > 1) {
    const expected = 'a provider, because there are tables for "mcias" and "oidc"';
    return { path: ["auth", "provider"], expected, found: "nothing" };
  }
  const provider = auth.provider ?? meant[0] ?? "local";
  const file = (path: string) => path === "" ? undefined : at(path);
  if (provider === "mcias" && mcias !== undefined) {
    return {
      provider,
      serverUrl: mcias.server_url,
      caFile: file(mcias.ca_cert),
      serviceName: mcias.service_name,
    };
  }
  if (provider === "oidc" && oidc !== undefined) {
    return {
      provider,
      issuer: oidc.issuer,
      audience: oidc.audience,
      jwksUri: oidc.jwks_uri === "" ? undefined : oidc.jwks_uri,
      caFile: file(oidc.ca_cert),
      subjectClaim: oidc.subject_claim,
      roleClaim: oidc.role_claim,
      adminRole: oidc.admin_role,
    };
  }
  if (provider === "local") return { provider };
  const expected = `a table, because auth.provider is "${provider}"`;
  return { path: [provider], expected, found: "nothing" };
}

/** Alerts and flapping are judged by what is remembered: forgotten sooner, each would be new. */
function forgettingTooSoon(
  { retention, cooldown, flap_window }: z.output<typeof agentConfigSchema>["monitor"],
): Complaint[] {
  const found = JSON.stringify(formatDuration(retention));
  return Object.entries({ cooldown, flap_window })
    .filter(([, ms]) => retention < ms)
    .map(([key, ms]) => ({
      path: ["monitor", "retention"],
      expected: `at least monitor.${key} (${formatDuration(ms)})`,
      found,
    }));
}

/** Text with a rule of its own; the rule is part of the shape, so that it is told with all else. */
function textThat(expected: string, isRight: (text: string) => boolean) {
  return z.string().refine(isRight, { error: expected });
}

function someText() {
  return textThat("text that is not empty", (text) => text.trim() !== "");
}

/** A duration that may not be zero: nothing could ever be done in it. */
function timeThatPasses() {
  return durationMs().refine((ms) => ms > 0, { error: "a duration above zero" });
}

function isHttpsUrl(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === "https:";
}
