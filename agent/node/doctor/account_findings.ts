/**
 * The user whose containers they are: who it is, whether it lingers, which ids it may give to them.
 *
 * @module
 */

import { error, type Finding, warning, well } from "../../../lib/domain/finding.ts";
import type { AgentConfig } from "../../config.ts";
import type { IdRange } from "../../runtime/runtime.ts";
import { lentTo, overlapping, parseLentIds, wantedIds } from "../accounts.ts";
import type { Facts } from "./facts.ts";
import { atHome, lendIds, reinstall } from "./fixes.ts";
import { notSeen, valueOf } from "./seen.ts";

/** What is to be said of the user. */
export function accountFindings(config: AgentConfig, facts: Facts): Finding[] {
  return [
    user(config, facts),
    linger(config, facts),
    lentIds("subuid", config, facts),
    lentIds("subgid", config, facts),
  ];
}

function user(config: AgentConfig, facts: Facts): Finding {
  const id = "user";
  const { account, vantage } = facts;
  if ("value" in account) {
    const { name, uid } = account.value;
    if (uid !== 0) return well(id, `${name} (uid ${uid})`);
    return error(id, {
      what: "containers belong to root",
      why: "Whatever breaks out of a container, or into the agent, has the whole machine.",
      fix: reinstall,
    });
  }
  if (vantage === "agent") return notSeen(id, account.unseen, config, facts);
  return error(id, {
    what: account.unseen,
    why: "The agent and its containers need a user of their own, without rights.",
    fix: reinstall,
  });
}

function linger(config: AgentConfig, facts: Facts): Finding {
  const id = "linger";
  const account = valueOf(facts.account);
  if ("unseen" in facts.lingers || account === undefined) {
    const reason = "unseen" in facts.lingers ? facts.lingers.unseen : "nobody knows which user";
    return notSeen(id, reason, config, facts);
  }
  if (facts.lingers.value) return well(id, `on for ${account.name}`);
  return error(id, {
    what: `off for ${account.name}`,
    why:
      "Without it nothing keeps the containers' control groups after a boot, and they die when the user's last session ends.",
    fix: `loginctl enable-linger ${account.name}`,
  });
}

function lentIds(kind: "subuid" | "subgid", config: AgentConfig, facts: Facts): Finding {
  const what = kind === "subuid" ? "user ids" : "group ids";
  const account = valueOf(facts.account);
  const file = facts[kind];
  const inFile = "unseen" in file ? undefined : parseLentIds(file.value);
  const info = "info" in facts.runtime ? facts.runtime.info : undefined;
  const mapped = kind === "subuid" ? info?.userIds : info?.groupIds;
  const lent = account === undefined || inFile === undefined ? undefined : lentTo(account, inFile);
  // The first ids of a container are the user's own; a rootful podman maps none.
  const used = mapped === undefined || info?.rootless === false ? undefined : mapped.slice(1);
  if (lent === undefined && used === undefined) {
    const reason = "unseen" in file ? file.unseen : "nobody knows which user";
    return notSeen(kind, reason, config, facts);
  }
  const count = countOf(lent ?? used ?? []);
  const lend = lendIds(kind, account, {
    subuid: valueOf(facts.subuid) ?? "",
    subgid: valueOf(facts.subgid) ?? "",
  });
  const name = account?.name ?? "the user";
  if (count === 0) {
    return error(kind, {
      what: `no ${what} are lent to ${name} in /etc/${kind}`,
      why: "Rootless podman cannot unpack an image, nor run a container as any user but one.",
      fix: lend,
    });
  }
  if (count < wantedIds) {
    return error(kind, {
      what: `only ${count} ${what} are lent to ${name}, and images use up to ${wantedIds}`,
      why: "Images with files of users beyond them cannot be pulled.",
      fix: lend,
    });
  }
  if (used !== undefined && countOf(used) < wantedIds) {
    return error(kind, {
      what: `${count} ${what} are lent to ${name}, and podman uses ${countOf(used)} of them`,
      why: "Podman keeps the ids it began with; mending this stops all containers once.",
      fix: atHome(account, "podman system migrate"),
    });
  }
  const shared = account === undefined ? [] : overlapping(account, inFile ?? []);
  if (shared.length > 0) {
    const others = [...new Set(shared.map(({ owner }) => owner))].join(", ");
    return warning(kind, {
      what: `${name} shares ${what} with ${others} in /etc/${kind}`,
      why: "Containers of one can read and kill what belongs to containers of the other.",
      fix: `grep --line-number . /etc/${kind}`,
    });
  }
  return well(kind, `${count} ${what} from ${(lent ?? used)?.[0]?.start}`);
}

function countOf(ranges: readonly IdRange[]): number {
  return ranges.reduce((sum, { count }) => sum + count, 0);
}
