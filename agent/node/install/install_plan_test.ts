import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { McpError } from "../../../lib/errors.ts";
import { decodeConfig } from "../../config.ts";
import type { Facts } from "./facts.ts";
import { type InstallTarget, planInstall } from "./install_plan.ts";
import { enabledUnits, layoutBelow } from "./layout.ts";
import { stamped } from "./own_file.ts";
import { isDone, type Plan, planLines, type Step } from "./steps.ts";
import { permissionsDropIn, withUid } from "./unit_text.ts";
import type { UnitState } from "./unit_states.ts";

const layout = layoutBelow("");

const nodeFiles: InstallTarget["nodeFiles"] = {
  units: new Map([
    ["mcp-agent.service", "Description=MCP Agent\n"],
    ["mcp-containers.service", "Description=Clean stop\nuser@@UID@.service\n"],
    ["mcp-podman.service", "Description=podman\nuser@@UID@.service\n"],
    ["mcp-podman.socket", "Description=API\n"],
  ]),
  sysusers: "u mcp\n",
  tmpfiles: "d /srv/mcp\n",
  containersConf: "[engine]\n",
  storageConf: "[storage]\n",
};

const target: InstallTarget = {
  node: { name: "rift", address: "10.0.0.1:9444", listen: "10.0.0.1:9444", lifetime: "90d" },
  program: { executable: "/root/mcp-agent", runtime: "/root/.cache/mcp/abcdef0123" },
  nodeFiles,
  schema: 3,
};

const running: UnitState = {
  isActive: true,
  isFailed: false,
  isEnabled: true,
  needsReload: false,
  mainPid: 227,
  restarts: 0,
  startedAt: new Date("2030-01-01T12:00:00Z"),
};

const config = configOf();

function configOf(more = "", root = "/srv") {
  return decodeConfig(
    `[server]
grpc_addr = "10.0.0.1:9444"
tls_cert = "certs/cert.pem"
tls_key = "certs/key.pem"
[database]
path = "mcp.db"
[agent]
node_name = "rift"
podman_url = "unix:///run/mcp-podman/podman.sock"
service_root = "${root}"
${more}`,
    "/srv/mcp/mcp-agent.toml",
  );
}

/** A Debian that has just been installed. */
const bare: Facts = {
  layout,
  isRoot: true,
  systemdRuns: true,
  systemdVersion: 252,
  distribution: { name: "Debian GNU/Linux 12", isDebian: true },
  missing: ["podman", "crun"],
  user: undefined,
  subuid: "",
  subgid: "",
  lingers: false,
  serviceRoot: { uid: 0, names: [] },
  folder: undefined,
  home: undefined,
  staged: undefined,
  texts: new Map(),
  executable: "absent",
  hasPrevious: false,
  runtimeIsInstalled: false,
  unusedRuntimes: [],
  runtimes: [],
  config: undefined,
  configError: undefined,
  schema: undefined,
  units: new Map(),
  changedAt: undefined,
  unreadable: [],
};

/** The same machine when everything is done. */
const installed: Facts = {
  ...bare,
  missing: [],
  user: { uid: 990, home: "/var/lib/mcp" },
  subuid: "mcp:100000:65536\n",
  subgid: "mcp:100000:65536\n",
  lingers: true,
  serviceRoot: { uid: 990, names: ["mcp"] },
  folder: { uid: 990, names: ["certs", "mcp-agent.toml", "mcp.db"] },
  home: { uid: 990, names: [".config"] },
  texts: new Map([
    [layout.sysusers, nodeFiles.sysusers],
    [layout.tmpfiles, nodeFiles.tmpfiles],
    [layout.containersConf, stamped(nodeFiles.containersConf)],
    [layout.storageConf, stamped(nodeFiles.storageConf)],
    [layout.permissions, permissionsDropIn(config, layout.executable)],
    ...[...nodeFiles.units].map(([name, text]) =>
      [`${layout.units}/${name}`, withUid(text, 990)] as const
    ),
  ]),
  executable: "same",
  runtimeIsInstalled: true,
  runtimes: ["abcdef0123"],
  config,
  schema: 3,
  units: new Map(enabledUnits.map((name) => [name, running])),
  changedAt: new Date("2030-01-01T11:59:00Z"),
};

function withText(path: string, text: string): Facts["texts"] {
  return new Map([...installed.texts, [path, text]]);
}

function unitsWith(name: string, change: Partial<UnitState>): Facts["units"] {
  return new Map([...installed.units, [name, { ...running, ...change }]]);
}

/** What is to be changed, in its order. */
function changes(plan: Plan): string[] {
  return plan.actions.filter(({ state }) => state === "change").map(({ what }) => what);
}

function stepsOf(plan: Plan): Step[] {
  return plan.actions.flatMap(({ steps }) => [...steps]);
}

/** The programs that are run, each in one line. */
function lines(plan: Plan): string[] {
  return stepsOf(plan).flatMap((step) => step.do === "run" ? [step.argv.join(" ")] : []);
}

/** What stands against it. */
function refusal(facts: Facts, change: Partial<InstallTarget> = {}): readonly string[] {
  let details: readonly string[] = [];
  throws(() => planInstall(facts, { ...target, ...change }), (error) => {
    ok(error instanceof McpError, String(error));
    strictEqual(error.kind, "conflict");
    details = error.details;
    return true;
  });
  return details;
}

function test(name: string, fn: () => void): void {
  Deno.test({ name: `planInstall() ${name}`, permissions: "none", fn });
}

test("given a bare machine does everything, in an order that may be cut anywhere", () => {
  const plan = planInstall(bare, target);
  deepStrictEqual(changes(plan), [
    "packages",
    "user mcp",
    "subordinate ids",
    "lingering",
    "folders",
    "podman's settings for mcp",
    "unpacked program",
    "/usr/local/bin/mcp-agent",
    "/srv/mcp/mcp-agent.toml",
    "units in /etc/systemd/system",
    "/etc/systemd/system/mcp-agent.service.d/10-permissions.conf",
    "systemd's view of the units",
    "start at boot",
    "services",
    "the agent",
  ]);
  deepStrictEqual(lines(plan), [
    "/usr/bin/apt-get update",
    "/usr/bin/apt-get install --yes --no-install-recommends podman crun",
    "/usr/bin/systemd-sysusers /etc/sysusers.d/mcp.conf",
    "/usr/sbin/usermod --add-subuids 100000-165535 --add-subgids 100000-165535 mcp",
    "/usr/bin/loginctl enable-linger mcp",
    "/usr/bin/systemd-tmpfiles --create /etc/tmpfiles.d/mcp.conf",
    "/usr/bin/systemctl daemon-reload",
    `/usr/bin/systemctl enable ${enabledUnits.join(" ")}`,
    `/usr/bin/systemctl start ${enabledUnits.join(" ")}`,
  ]);
});

test("is done when everything is as it should be", () => {
  const plan = planInstall(installed, target);
  deepStrictEqual(changes(plan), []);
  ok(isDone(plan));
  ok(planLines(plan).every((line) => line.startsWith("keep ")));
});

test("is done without being told a node's name, where there is a node", () => {
  ok(isDone(planInstall(installed, { ...target, node: undefined })));
});

test("takes nothing away from the host, whatever it finds", () => {
  for (const facts of [bare, installed, { ...installed, executable: "other" } as const]) {
    const text = JSON.stringify(planInstall(facts, target).actions);
    for (const word of ["sysctl", "sudoers", "chmod", "setcap", "/etc/passwd", "/etc/ssh"]) {
      ok(!text.includes(word), word);
    }
  }
});

const upgrade: Facts = {
  ...installed,
  executable: "other",
  runtimeIsInstalled: false,
  runtimes: ["0123456789"],
};

test("upgrades: complete first, then a snapshot, then the program, then the agent alone", () => {
  const plan = planInstall(upgrade, target);
  deepStrictEqual(stepsOf(plan).map((step) => step.do), [
    "copy_runtime",
    "snapshot",
    "replace_executable",
    "run",
    "await_serving",
    "remove",
    "remove",
    "remove_unused_runtimes",
  ]);
  deepStrictEqual(lines(plan), ["/usr/bin/systemctl restart mcp-agent.service"]);
});

test("upgrades without a snapshot where there is no registry yet", () => {
  const plan = planInstall({ ...upgrade, schema: undefined }, target);
  ok(!stepsOf(plan).some((step) => step.do === "snapshot"));
});

function replaced(facts: Facts): Step | undefined {
  return stepsOf(planInstall(facts, target)).find((step) => step.do === "replace_executable");
}

test("keeps the program that served last, not one that never did", () => {
  const failing = unitsWith("mcp-agent.service", { restarts: 4 });
  const previous = (step: Step | undefined) =>
    step?.do === "replace_executable" ? step.previous : "not replaced";
  strictEqual(previous(replaced(upgrade)), layout.previous);
  strictEqual(previous(replaced({ ...upgrade, hasPrevious: true })), layout.previous);
  strictEqual(previous(replaced({ ...upgrade, hasPrevious: true, units: failing })), undefined);
  const plan = planInstall({ ...upgrade, hasPrevious: true, units: failing }, target);
  ok(!stepsOf(plan).some((step) => step.do === "snapshot"), "that of before is the way back");
});

test("never restarts what stops all containers when it is restarted", () => {
  const changed = new Map(
    [...installed.texts].map(([path, text]) =>
      path.startsWith(layout.units) ? [path, `${text}# older\n`] as const : [path, text] as const
    ),
  );
  const plan = planInstall({ ...installed, texts: changed }, target);
  deepStrictEqual(lines(plan), [
    "/usr/bin/systemctl daemon-reload",
    "/usr/bin/systemctl restart mcp-podman.socket mcp-podman.service mcp-agent.service",
  ]);
});

const repairs: readonly (readonly [string, Partial<Facts>, readonly string[], RegExp])[] = [
  [
    "a config that needs other permissions",
    { config: configOf('[monitor]\nalert_command = ["/usr/bin/logger"]\n') },
    [
      "/etc/systemd/system/mcp-agent.service.d/10-permissions.conf",
      "systemd's view of the units",
      "services",
      "the agent",
    ],
    /restart mcp-agent\.service$/,
  ],
  [
    "a config that was changed after the agent was started",
    { changedAt: new Date("2030-01-01T12:00:01Z") },
    ["services", "the agent"],
    /restart mcp-agent\.service$/,
  ],
  [
    "units that systemd has not read yet",
    { units: unitsWith("mcp-agent.service", { needsReload: true }) },
    ["systemd's view of the units"],
    /daemon-reload$/,
  ],
  [
    "an agent that was stopped",
    { units: unitsWith("mcp-agent.service", { isActive: false }) },
    ["services", "the agent"],
    /start mcp-agent\.service$/,
  ],
  [
    "a timer that is not enabled",
    { units: unitsWith("mcp-agent-backup.timer", { isEnabled: false }) },
    ["start at boot"],
    /enable mcp-agent-backup\.timer$/,
  ],
  [
    "a range of user ids without one of group ids",
    { subgid: "" },
    ["subordinate ids"],
    /usermod --add-subgids 165536-231071 mcp$/,
  ],
  [
    "settings of podman's from an earlier version",
    { texts: withText(layout.storageConf, stamped("[storage]\n# older\n")) },
    ["podman's settings for mcp"],
    /^$/,
  ],
  [
    "what an earlier program left",
    { unusedRuntimes: ["0123456789"] },
    ["earlier programs"],
    /^$/,
  ],
];
for (const [given, change, expected, line] of repairs) {
  test(`mends ${given}, and nothing else`, () => {
    const plan = planInstall({ ...installed, ...change }, target);
    deepStrictEqual(changes(plan), expected);
    match(lines(plan).at(-1) ?? "", line);
  });
}

test("leaves settings of podman's alone that an operator has changed, and says so", () => {
  const texts = withText(layout.containersConf, `${stamped(nodeFiles.containersConf)}# mine\n`);
  const plan = planInstall({ ...installed, texts }, target);
  ok(isDone(plan));
  ok(planLines(plan).some((line) => line.includes("containers.conf changed by an operator")));
});

test("goes on with a node that was made and not moved", () => {
  const facts = {
    ...bare,
    user: { uid: 990, home: layout.home },
    folder: { uid: 990, names: ["certs"] },
    staged: ["mcp.db", "mcp-agent.toml"],
  };
  const plan = planInstall(facts, { ...target, node: undefined });
  ok(stepsOf(plan).some((step) => step.do === "make_node"));
});

const refusals: readonly (readonly [string, Facts, RegExp])[] = [
  [
    "a machine without systemd",
    { ...bare, systemdRuns: false },
    /^systemd is not the first process/,
  ],
  ["a systemd that is too old", { ...bare, systemdVersion: 247 }, /^systemd is 247, and 250/],
  [
    "another distribution with programs missing",
    {
      ...bare,
      distribution: { name: "Fedora Linux 43", isDebian: false },
      missing: ["/usr/bin/crun"],
    },
    /^Fedora Linux 43 is no Debian, so install by hand what is missing: \/usr\/bin\/crun$/,
  ],
  [
    "a person called mcp",
    { ...bare, user: { uid: 1000, home: "/home/mcp" } },
    /^there is a user mcp with the home \/home\/mcp/,
  ],
  [
    "somebody else's /srv with something in it",
    { ...bare, serviceRoot: { uid: 33, names: ["www"] } },
    /^\/srv belongs to the user 33 and holds www/,
  ],
  [
    "somebody else's folder in the agent's place",
    { ...bare, folder: { uid: 33, names: [] } },
    /^\/srv\/mcp belongs to the user 33$/,
  ],
  [
    "a registry that a newer agent has written",
    { ...upgrade, schema: 4 },
    /^the registry has schema 4, and this mcp-agent knows 3/,
  ],
  [
    "another node's name",
    { ...installed, config: decodeConfig(nodeNamed("orion"), "/srv/mcp/mcp-agent.toml") },
    /^this machine is the node orion already, not rift/,
  ],
  [
    "a certificate without a config",
    { ...bare, folder: { uid: 0, names: ["certs"] } },
    /^\/srv\/mcp holds certs but no mcp-agent\.toml/,
  ],
  [
    "an agent that is to start podman by itself",
    {
      ...installed,
      config: decodeConfig(
        nodeNamed("rift").replace(/podman_url.*/, ""),
        "/srv/mcp/mcp-agent.toml",
      ),
    },
    /set agent\.podman_url = "unix:\/\/\/run\/mcp-podman\/podman\.sock" in \/srv\/mcp/,
  ],
];
for (const [given, facts, expected] of refusals) {
  test(`refuses ${given}, before it changes anything`, () => {
    match(refusal(facts).join("\n"), expected);
  });
}

function nodeNamed(name: string): string {
  return `[server]
grpc_addr = "10.0.0.1:9444"
tls_cert = "certs/cert.pem"
tls_key = "certs/key.pem"
[database]
path = "mcp.db"
[agent]
node_name = "${name}"
podman_url = "unix:///run/mcp-podman/podman.sock"
`;
}

test("tells everything that stands against it at once", () => {
  strictEqual(
    refusal({
      ...bare,
      systemdVersion: 247,
      user: { uid: 1000, home: "/home/mcp" },
      serviceRoot: { uid: 33, names: ["www"] },
    }).length,
    3,
  );
});

test("asks for a name and an address where there is no node", () => {
  throws(() => planInstall(bare, { ...target, node: undefined }), {
    kind: "invalid",
    message: "Cannot make a node without its name and address",
  });
});

test("tells what is wrong with a config that cannot be used", () => {
  const configError = new McpError("invalid", "Cannot use the config");
  throws(() => planInstall({ ...installed, config: undefined, configError }, target), configError);
});

test("notes whose folders in /srv it will be above", () => {
  const plan = planInstall({ ...bare, serviceRoot: { uid: 0, names: ["www"] } }, target);
  match(plan.notes.join("\n"), /^\/srv holds www: mcp will own \/srv itself/);
});

test("notes paths of the config that the units do not open", () => {
  const elsewhere = configOf("", "/data");
  const texts = withText(layout.permissions, permissionsDropIn(elsewhere, layout.executable));
  const plan = planInstall({ ...installed, config: elsewhere, texts }, target);
  match(plan.notes.join("\n"), /^\/data lies outside \/srv: the units need drop-ins/);
});

test("plans without being root, and notes what it could not see", () => {
  const hidden: Facts = {
    ...installed,
    isRoot: false,
    folder: undefined,
    config: undefined,
    texts: new Map([...installed.texts].filter(([path]) => !path.startsWith(layout.home))),
    unreadable: ["/srv/mcp", "/var/lib/mcp"],
  };
  const plan = planInstall(hidden, { ...target, node: undefined });
  deepStrictEqual(changes(plan), [
    layout.permissions,
    "systemd's view of the units",
    "services",
    "the agent",
  ]);
  deepStrictEqual(plan.notes, ["only root can look at /srv/mcp, /var/lib/mcp"]);
});
