/**
 * The machine: its disks, its memory, its clock, its units.
 *
 * @module
 */

import { error, type Finding, warning, well } from "../../../lib/domain/finding.ts";
import type { AgentConfig } from "../../config.ts";
import { nodeUser } from "../install/layout.ts";
import type { Facts, UnitState } from "./facts.ts";
import { quoted, reinstall } from "./fixes.ts";
import { notSeen, valueOf } from "./seen.ts";
import { spaceFinding } from "./space.ts";

const mib = 1024 ** 2;

/** What is to be said of the machine. */
export function machineFindings(config: AgentConfig, facts: Facts): Finding[] {
  return [
    serviceRoot(config, facts),
    serviceDisk(config, facts),
    memory(config, facts),
    timeSync(config, facts),
    ...units(config, facts),
  ];
}

function serviceRoot(config: AgentConfig, facts: Facts): Finding {
  const id = "service_root";
  const { serviceRoot: folder } = config;
  const account = valueOf(facts.account);
  const owner = account?.name ?? nodeUser;
  if ("unseen" in facts.serviceRoot) return notSeen(id, facts.serviceRoot.unseen, config, facts);
  const why = "Services cannot get their folders, and no file can be pushed to them.";
  const root = facts.serviceRoot.value;
  if (root === undefined) {
    const fix = `install -d -o ${owner} -g ${owner} -m 0755 ${quoted(folder)}`;
    return error(id, { what: `there is no ${folder}`, why, fix });
  }
  const refusal = valueOf(facts.serviceRootRefuses);
  const mode = `0${root.mode.toString(8)}`;
  const repair = `chown ${owner}: ${quoted(folder)} && chmod 0755 ${quoted(folder)}`;
  if (account !== undefined && root.uid !== account.uid) {
    return error(id, {
      what: `${folder} belongs to uid ${root.uid}, not to ${account.name} (uid ${account.uid})`,
      why,
      fix: repair,
    });
  }
  if (refusal !== undefined) {
    const what = `${folder} takes nothing from the agent: ${refusal}`;
    // Who owns it and may write is refused by what it is mounted on, or by the agent's unit.
    const fix = (root.mode & 0o300) === 0o300 ? `findmnt --target ${quoted(folder)}` : repair;
    return error(id, { what, why, fix });
  }
  if ((root.mode & 0o300) !== 0o300) {
    const what = `${folder} has mode ${mode}: its owner may not write`;
    return error(id, { what, why, fix: repair });
  }
  if ((root.mode & 0o002) !== 0) {
    return warning(id, {
      what: `${folder} has mode ${mode}: anybody may write`,
      why: "Any user of the machine can put files, and links, in the place of a service.",
      fix: `chmod 0755 ${quoted(folder)}`,
    });
  }
  return well(id, `${folder} belongs to ${owner}, mode ${mode}`);
}

function serviceDisk(config: AgentConfig, facts: Facts): Finding {
  const id = "disk";
  if ("unseen" in facts.serviceSpace) return notSeen(id, facts.serviceSpace.unseen, config, facts);
  return spaceFinding(id, facts.serviceSpace.value, {
    where: config.serviceRoot,
    why: "Services fail when they write, and so does the registry: no deploy is recorded.",
    fix: `du --human-readable --max-depth=2 ${quoted(config.serviceRoot)} | sort --human-numeric`,
  });
}

function memory(config: AgentConfig, facts: Facts): Finding {
  const id = "memory";
  if ("unseen" in facts.memory) return notSeen(id, facts.memory.unseen, config, facts);
  return spaceFinding(id, facts.memory.value, {
    where: "programs",
    why: "The kernel kills what it takes for the largest, which may be any container.",
    fix: "ps --sort=-rss -eo rss,comm,args | head",
    leastBytes: 64 * mib,
  });
}

function timeSync(config: AgentConfig, facts: Facts): Finding {
  const id = "time_sync";
  const { clockIsSynchronized } = facts;
  if ("unseen" in clockIsSynchronized) {
    return notSeen(id, clockIsSynchronized.unseen, config, facts);
  }
  if (clockIsSynchronized.value) return well(id, "the clock is kept right");
  return warning(id, {
    what: "nobody keeps the clock right",
    why: "Tokens and certificates are judged by it, and events of several nodes are told by it.",
    fix: "apt-get install --yes systemd-timesyncd && timedatectl set-ntp true",
  });
}

function units(config: AgentConfig, facts: Facts): Finding[] {
  const id = "units";
  if ("unseen" in facts.units) return [notSeen(id, facts.units.unseen, config, facts)];
  // What is spoken to directly has no service of its own.
  const needed = facts.units.value
    .filter(({ name }) => config.podmanUrl !== undefined || !name.startsWith("mcp-podman."));
  const absent = needed.filter(({ enabled }) => enabled === undefined).map(({ name }) => name);
  const found = needed.flatMap(unitFinding);
  if (absent.length > 0) {
    found.unshift(
      error(id, {
        what: `there is no ${absent.join(", no ")}`,
        why: "What they do is not done, and does not come back by itself after a boot.",
        fix: reinstall,
      }),
    );
  }
  return found.length > 0 ? found : [well(id, needed.map(({ name }) => name).join(", "))];
}

/** States in which a unit comes back by itself after a boot. */
const comesBack = ["enabled", "enabled-runtime", "static", "alias", "generated"];

function unitFinding({ name, enabled, active }: UnitState): Finding[] {
  const id = "units";
  if (enabled === undefined) return [];
  if (active === "failed") {
    return [
      error(id, {
        what: `${name} has failed`,
        why: "What it does is not done.",
        fix: `systemctl restart ${name} || journalctl --no-pager --lines=50 --unit=${name}`,
      }),
    ];
  }
  if (!comesBack.includes(enabled)) {
    return [
      error(id, {
        what: `${name} is ${enabled === "" ? "not enabled" : enabled}`,
        why: "It does not come back after a boot.",
        fix: `systemctl enable --now ${name}`,
      }),
    ];
  }
  if (active === "inactive") {
    return [
      warning(id, {
        what: `${name} is not running`,
        why: "It will after the next boot, and what it does is not done until then.",
        fix: `systemctl start ${name}`,
      }),
    ];
  }
  return [];
}
