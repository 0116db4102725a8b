/**
 * The agent: its permissions, its registry, its snapshots, whom it asks about tokens.
 *
 * @module
 */

import { basename } from "node:path";
import { formatDuration } from "../../../lib/domain/duration.ts";
import { error, type Finding, warning, well } from "../../../lib/domain/finding.ts";
import type { AgentConfig } from "../../config.ts";
import type { Facts } from "./facts.ts";
import { asUser, quoted, reinstall } from "./fixes.ts";
import { notSeen, valueOf } from "./seen.ts";

/** The timer makes one a day. */
const oldSnapshotMs = 2 * 86_400_000;

/** What is to be said of the agent. */
export function agentFindings(config: AgentConfig, facts: Facts): Finding[] {
  return [
    well("config", config.file),
    permissions(config, facts),
    registry(config, facts),
    snapshots(config, facts),
    identityProvider(config, facts),
  ];
}

function permissions(config: AgentConfig, facts: Facts): Finding {
  const id = "permissions";
  if ("unseen" in facts.grants) return notSeen(id, facts.grants.unseen, config, facts);
  const { missing, broader } = facts.grants.value;
  const fix = `${reinstall} && systemctl restart mcp-agent`;
  if (missing.length > 0) {
    return error(id, {
      what: `missing: ${missing.join(" ")}`,
      why: "The agent does not start with them, or fails at what it may not do.",
      fix,
    });
  }
  if (broader.length > 0) {
    return warning(id, {
      what: `more than the config needs: ${broader.join(" ")}`,
      why: "Whoever takes the agent over may do all that it may.",
      fix,
    });
  }
  return well(id, "exactly what the config needs");
}

function registry(config: AgentConfig, facts: Facts): Finding {
  const id = "registry";
  const { databaseFile, file } = config;
  const account = valueOf(facts.account);
  if ("unseen" in facts.registry) return notSeen(id, facts.registry.unseen, config, facts);
  const seen = facts.registry.value;
  if (seen === undefined) {
    return error(id, {
      what: `there is no ${databaseFile}`,
      why: "The agent knows neither what should run here, nor any token that it made.",
      fix: restoring(config, facts) ?? "systemctl start mcp-agent",
    });
  }
  if (seen.damage !== undefined) {
    return error(id, {
      what: seen.damage,
      why: "The agent does not start with it; what runs, runs on.",
      fix: restoring(config, facts) ?? `ls -l ${quoted(`${databaseFile}`)}*`,
    });
  }
  if (account !== undefined && seen.uid !== account.uid) {
    return error(id, {
      what: `${databaseFile} belongs to uid ${seen.uid}, not to ${account.name}`,
      why: "The agent cannot write to it.",
      fix: `chown ${account.name}: ${quoted(databaseFile)}* ${quoted(file)}`,
    });
  }
  return well(id, `${databaseFile} is sound`);
}

function restoring({ file }: AgentConfig, facts: Facts): string | undefined {
  const [latest] = facts.snapshots;
  if (latest === undefined) return undefined;
  const restore = `mcp-agent restore --config ${quoted(file)} ${quoted(latest)}`;
  return `systemctl stop mcp-agent && ${asUser(valueOf(facts.account), restore)} && ` +
    "systemctl start mcp-agent";
}

function snapshots({ file }: AgentConfig, facts: Facts): Finding {
  const id = "snapshots";
  const account = valueOf(facts.account);
  const why = "A registry that is damaged can only be put back to the latest of them.";
  const fix = `${asUser(account, `mcp-agent snapshot --config ${quoted(file)}`)} && ` +
    "systemctl enable --now mcp-agent-backup.timer";
  const [latest] = facts.snapshots;
  if (latest === undefined) {
    const since = valueOf(facts.registry)?.since;
    const ageMs = since === undefined ? 0 : facts.now.getTime() - since.getTime();
    if (ageMs <= oldSnapshotMs) return well(id, "none yet: the registry is new");
    return warning(id, { what: "there are none", why, fix });
  }
  const ageMs = facts.now.getTime() - timeOf(latest);
  const what = `the latest is ${formatDuration(Math.max(0, ageMs))} old (${latest})`;
  return ageMs > oldSnapshotMs ? warning(id, { what, why, fix }) : well(id, what);
}

/** When a snapshot was made, by its name: "mcp-2030-01-01T12-00-00.000Z.db". */
function timeOf(path: string): number {
  const [, day = "", hour = "", minute = "", rest = ""] =
    /^mcp-(.{10})T(\d\d)-(\d\d)-(.*)\.db$/.exec(basename(path)) ?? [];
  return Date.parse(`${day}T${hour}:${minute}:${rest}`);
}

function identityProvider({ auth }: AgentConfig, { provider }: Facts): Finding {
  const id = "identity_provider";
  if (auth.provider === "local") return well(id, "local: the agent's own tokens");
  const name = auth.provider === "mcias" ? "MCIAS" : "OIDC";
  const url = auth.provider === "mcias" ? auth.serverUrl : auth.issuer;
  if (!("failure" in provider)) {
    return well(id, `${name} at ${url}, answered in ${(provider.tookMs / 1000).toFixed(1)} s`);
  }
  const path = auth.provider === "mcias" ? "/v1/health" : "/.well-known/openid-configuration";
  const ca = auth.caFile === undefined ? "" : `--cacert ${quoted(auth.caFile)} `;
  return error(id, {
    what: provider.failure,
    why: auth.provider === "mcias"
      ? "Nobody is let in, for nobody knows who holds a token; what runs, runs on."
      : "Once the keys that are known are a day old, nobody is let in; what runs, runs on.",
    fix: `curl --show-error --silent --fail ${ca}${quoted(`${url.replace(/\/$/, "")}${path}`)}`,
  });
}
