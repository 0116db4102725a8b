/**
 * podman: whether it answers, and whether it is set up as a node needs it.
 *
 * @module
 */

import { error, type Finding, warning, well } from "../../../lib/domain/finding.ts";
import type { AgentConfig } from "../../config.ts";
import type { RuntimeInfo } from "../../runtime/runtime.ts";
import type { Account } from "../accounts.ts";
import type { Facts } from "./facts.ts";
import { atHome, reinstall } from "./fixes.ts";
import { notSeen, valueOf } from "./seen.ts";
import { spaceFinding } from "./space.ts";

/** The first version that all of this was made for. */
const oldestVersion = { major: 4, minor: 3 };
/** Podman answers in a tenth of it. */
const slowMs = 3_000;
/** Users below are the system's, and may not read its journal. */
const firstPerson = 1_000;

/** What is to be said of podman. */
export function runtimeFindings(config: AgentConfig, facts: Facts): Finding[] {
  const { runtime } = facts;
  const account = valueOf(facts.account);
  if ("failure" in runtime) {
    const rest = ["cgroups", "storage_driver", "log_driver", "event_logger", "container_disk"];
    return [
      error("podman", {
        what: runtime.failure,
        why: "Nothing can be deployed, started, stopped or watched; what runs, runs on.",
        fix: wake(config, account),
      }),
      ...rest.map((id) => notSeen(id, "podman does not answer", config, facts)),
    ];
  }
  const { info, tookMs } = runtime;
  return [
    podman(config, info, tookMs, account),
    ...rootless(info),
    ...containerNetwork(info),
    ...cgroups(info, account),
    storageDriver(info, account),
    logDriver(info, account),
    eventLogger(info, account),
    containerDisk(config, info, facts),
  ];
}

/** Brings podman back where it can be. */
function wake({ podmanUrl, podman }: AgentConfig, account: Account | undefined): string {
  return podmanUrl === undefined
    ? atHome(account, `${podman} info`)
    : "systemctl restart mcp-podman.socket mcp-podman.service && " +
      "systemctl status --no-pager mcp-podman.service";
}

function podman(
  config: AgentConfig,
  { version }: RuntimeInfo,
  tookMs: number,
  account: Account | undefined,
): Finding {
  const where = config.podmanUrl === undefined ? "run directly" : `at ${config.podmanUrl}`;
  const what = `${version}, ${where}, answered in ${formatSeconds(tookMs)}`;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isOld = major < oldestVersion.major ||
    (major === oldestVersion.major && minor < oldestVersion.minor);
  if (isOld) {
    return error("podman", {
      what,
      why: `What is older than ${oldestVersion.major}.${oldestVersion.minor} was never tried with.`,
      fix: "apt-get update && apt-get install --yes podman",
    });
  }
  if (tookMs > slowMs) {
    return warning("podman", {
      what,
      why: "Every look and every deploy waits for it; it does in a tenth of a second, usually.",
      fix: wake(config, account),
    });
  }
  return well("podman", what);
}

function rootless({ rootless }: RuntimeInfo): Finding[] {
  if (rootless) return [];
  return [
    error("rootless", {
      what: "podman works with the rights of root",
      why: "Whatever breaks out of a container has the whole machine.",
      fix: reinstall,
    }),
  ];
}

/** Of podman 5; what podman 4 has held ports by is no choice. */
function containerNetwork({ networkCommand }: RuntimeInfo): Finding[] {
  if (networkCommand !== "pasta") return [];
  return [{
    id: "container_network",
    level: "warning",
    what: "ports of containers are held by pasta, not by slirp4netns",
    why: "It lets go of a port too late for podman itself: a container with a port that crashes " +
      "is not restarted, whatever its restart policy.",
    fix: reinstall,
  }];
}

function cgroups(
  { cgroupVersion, cgroupControllers, cgroupManager }: RuntimeInfo,
  account: Account | undefined,
): Finding[] {
  const id = "cgroups";
  if (cgroupVersion !== "v2") {
    return [
      error(id, {
        what: `control groups are ${cgroupVersion === "" ? "not told" : cgroupVersion}, not v2`,
        why: "Rootless podman can neither limit containers nor count what they use.",
        fix: "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&systemd.unified_cgroup_hierarchy=1 /' " +
          "/etc/default/grub && update-grub && reboot",
      }),
    ];
  }
  const missing = ["cpu", "memory", "pids"].filter((name) => !cgroupControllers.includes(name));
  const findings: Finding[] = [];
  if (missing.length > 0) {
    findings.push(
      warning(id, {
        what: `v2, without ${missing.join(", ")} for ${account?.name ?? "the user"}`,
        why: "Limits of that kind do nothing, and no error says so; mending this needs a reboot.",
        fix: "mkdir -p /etc/systemd/system/user@.service.d && " +
          "printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' " +
          "> /etc/systemd/system/user@.service.d/delegate.conf && reboot",
      }),
    );
  }
  if (cgroupManager !== "systemd") {
    findings.push(
      warning(id, {
        what: `managed by ${cgroupManager}, not by systemd`,
        why:
          "Containers then live in the control group of whoever started them, and can die with it.",
        fix: reinstall,
      }),
    );
  }
  if (findings.length > 0) return findings;
  return [well(id, `v2 with ${cgroupControllers.join(", ")}, managed by systemd`)];
}

function storageDriver(
  { storage: { driver, folder } }: RuntimeInfo,
  account: Account | undefined,
): Finding {
  const id = "storage_driver";
  if (driver === "overlay") return well(id, `overlay in ${folder}`);
  return {
    id,
    level: driver === "vfs" ? "error" : "warning",
    what: `${driver}, not overlay`,
    why:
      "It keeps a whole copy per layer and container and fills the disk. Mending it removes images and containers: deploy again.",
    fix: atHome(
      account,
      "podman system reset --force && mkdir -p ~/.config/containers && " +
        "printf '[storage]\\ndriver = \"overlay\"\\n' > ~/.config/containers/storage.conf",
    ),
  };
}

function logDriver(
  { logDriver }: RuntimeInfo,
  account: Account | undefined,
): Finding {
  const id = "log_driver";
  if (logDriver === "k8s-file" || logDriver === "json-file") return well(id, logDriver);
  const isBlind = isUnreadable(logDriver, account);
  return {
    id,
    level: isBlind ? "error" : "warning",
    what: `${logDriver}, not k8s-file`,
    why: isBlind
      ? "Nobody can read what containers print: a failed deploy cannot show its last lines."
      : "MCP reads logs from files; how this one behaves was never tried.",
    fix: reinstall,
  };
}

/** What the user may not read fails; of a person it works, and is slow. */
function isUnreadable(driver: string, account: Account | undefined): boolean {
  return driver === "none" ||
    (driver === "journald" && (account === undefined || account.uid < firstPerson));
}

function eventLogger(
  { eventLogger }: RuntimeInfo,
  account: Account | undefined,
): Finding {
  const id = "event_logger";
  if (!isUnreadable(eventLogger, account)) return well(id, eventLogger);
  return error(id, {
    what: `${eventLogger}, not file`,
    why: "The agent hears of no death when it happens, and crashes between two looks stay unseen.",
    fix: reinstall,
  });
}

function containerDisk(config: AgentConfig, { storage }: RuntimeInfo, facts: Facts): Finding {
  const id = "container_disk";
  const { containerSpace } = facts;
  if ("unseen" in containerSpace) return notSeen(id, containerSpace.unseen, config, facts);
  return spaceFinding(id, containerSpace.value, {
    where: `images and containers (${storage.folder})`,
    why: "Without space no image can be pulled, and containers that write fail.",
    fix: atHome(valueOf(facts.account), "podman image prune --all --force"),
  });
}

function formatSeconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
