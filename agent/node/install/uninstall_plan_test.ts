import { deepStrictEqual, match, ok, throws } from "node:assert/strict";
import type { Facts } from "./facts.ts";
import { enabledUnits, layoutBelow } from "./layout.ts";
import type { NodeFiles } from "./machine.ts";
import { isDone, type Plan } from "./steps.ts";
import { planUninstall } from "./uninstall_plan.ts";

const layout = layoutBelow("");

const nodeFiles: NodeFiles = {
  units: new Map(enabledUnits.map((name) => [name, "text"])),
  sysusers: "",
  tmpfiles: "",
  containersConf: "",
  storageConf: "",
};

const state = {
  isActive: true,
  isFailed: false,
  isEnabled: true,
  needsReload: false,
  mainPid: 1,
  restarts: 0,
  startedAt: undefined,
};

const installed: Facts = {
  layout,
  isRoot: true,
  systemdRuns: true,
  systemdVersion: 252,
  distribution: { name: "Debian", isDebian: true },
  missing: [],
  user: { uid: 990, home: layout.home },
  subuid: "mcp:100000:65536\n",
  subgid: "mcp:100000:65536\n",
  lingers: true,
  serviceRoot: { uid: 990, names: ["hello", "mcp"] },
  folder: { uid: 990, names: ["mcp.db"] },
  home: { uid: 990, names: [".config"] },
  staged: undefined,
  texts: new Map(
    [...enabledUnits.map((name) => `${layout.units}/${name}`), layout.sysusers, layout.tmpfiles]
      .map((path) => [path, "text"]),
  ),
  executable: "same",
  hasPrevious: false,
  runtimeIsInstalled: true,
  unusedRuntimes: [],
  runtimes: ["abcdef0123"],
  config: undefined,
  configError: undefined,
  schema: 3,
  units: new Map(enabledUnits.map((name) => [name, state])),
  changedAt: undefined,
  unreadable: [],
};

const gone: Facts = {
  ...installed,
  texts: new Map(),
  executable: "absent",
  runtimes: [],
  units: new Map(),
};

/** Every program and every removal, each in one line. */
function lines(plan: Plan): string[] {
  return plan.actions.flatMap(({ steps }) => steps).flatMap((step) =>
    step.do === "run" ? [step.argv.join(" ")] : "path" in step ? [`${step.do} ${step.path}`] : []
  );
}

function test(name: string, fn: () => void): void {
  Deno.test({ name: `planUninstall() ${name}`, permissions: "none", fn });
}

test("stops everything in one command, so that systemd keeps the order; the program goes last", () => {
  deepStrictEqual(lines(planUninstall(installed, nodeFiles, { purgesData: false })), [
    `/usr/bin/systemctl disable --now ${enabledUnits.join(" ")}`,
    "/usr/bin/systemctl clean --what=state mcp-agent-backup.timer",
    ...enabledUnits.map((name) => `remove /etc/systemd/system/${name}`),
    "remove /etc/sysusers.d/mcp.conf",
    "remove /etc/tmpfiles.d/mcp.conf",
    "remove_if_empty /etc/systemd/system/mcp-agent.service.d",
    "/usr/bin/systemctl daemon-reload",
    "remove /usr/local/bin/mcp-agent",
    "remove /usr/local/lib/mcp/mcp-agent.previous",
    "remove /usr/local/lib/mcp/mcp-agent.previous.json",
    "remove /usr/local/lib/mcp/abcdef0123",
    "remove_if_empty /usr/local/lib/mcp",
    "remove /var/cache/mcp-agent",
  ]);
});

test("keeps all data, and says which and how to be rid of it", () => {
  const plan = planUninstall(installed, nodeFiles, { purgesData: false });
  const touched = lines(plan).join("\n");
  for (const kept of ["/srv", "/var/lib/mcp", "userdel", "linger"]) {
    ok(!touched.includes(kept), kept);
  }
  match(plan.notes.join("\n"), /^kept: \/srv\/mcp .*\/var\/lib\/mcp .*the user mcp .*--purge-data/);
});

test("removes data when it is told to, but for services' folders, which it names", () => {
  const plan = planUninstall(installed, nodeFiles, { purgesData: true });
  const touched = lines(plan);
  deepStrictEqual(
    touched.filter((line) => /\/srv|var\/lib\/mcp|userdel|user@|pkill|linger/.test(line)),
    [
      "/usr/bin/loginctl disable-linger mcp",
      "/usr/bin/systemctl stop user@990.service",
      "/usr/bin/pkill --signal KILL --uid 990",
      "remove /var/lib/mcp",
      "/usr/sbin/userdel mcp",
      "remove /srv/mcp",
      "remove /srv/.mcp-init",
      "/usr/bin/chown root:root /srv",
    ],
  );
  match(plan.notes.join("\n"), /^kept: \/srv\/hello\. /);
});

test("is done where there is no node, and finishes one that was cut short", () => {
  ok(isDone(planUninstall(gone, nodeFiles, { purgesData: false })));
  ok(!isDone(planUninstall({ ...gone, runtimes: ["ab"] }, nodeFiles, { purgesData: false })));
  ok(!isDone(planUninstall(gone, nodeFiles, { purgesData: true })));
});

test("works with a config that cannot be used", () => {
  ok(!isDone(planUninstall({ ...installed, config: undefined }, nodeFiles, { purgesData: false })));
});

test("refuses a machine without systemd", () => {
  throws(() => planUninstall({ ...gone, systemdRuns: false }, nodeFiles, { purgesData: false }), {
    kind: "conflict",
  });
});
