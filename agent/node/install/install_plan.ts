/**
 * Decides what it takes to make a node of a machine, or to bring one up to date.
 *
 * A decision, not an action: equal facts give equal plans. The order keeps a node working at every
 * step: a program is complete before it is named, the registry is copied before a newer program may
 * touch it, and what the old one needs goes when the new one serves.
 *
 * @module
 */

import { basename } from "node:path";
import { McpError } from "../../../lib/errors.ts";
import type { AgentConfig } from "../../config.ts";
import type { Facts } from "./facts.ts";
import { enabledUnits, nodePodmanUrl, nodeUser, packages, programs } from "./layout.ts";
import type { BuiltProgram, NodeFiles } from "./machine.ts";
import { isOurs, stamped } from "./own_file.ts";
import { type Action, change, type Plan, run } from "./steps.ts";
import { freeRange, hasRange } from "./subordinate_ids.ts";
import { permissionsDropIn, withUid } from "./unit_text.ts";

/** What the operator asks for. */
export interface InstallTarget {
  /** What to make a node with; not needed where there is one. */
  readonly node: NewNode | undefined;
  readonly program: BuiltProgram;
  readonly nodeFiles: NodeFiles;
  /** The schema that this program brings a registry to. */
  readonly schema: number;
}

/** What a new node is told. */
export interface NewNode {
  readonly name: string;
  readonly address: string;
  readonly listen: string;
  readonly lifetime: string;
}

/** What the units are written for; Debian 12 has 252. */
const oldestSystemd = 250;

const shortMs = 60_000;
const aptMs = 900_000;
/** Longer than any unit may take to stop. */
const stopMs = 600_000;

/**
 * Plans the installation.
 *
 * @throws {McpError} `conflict` with everything that stands against it; `invalid` with every mistake
 *   in the config, or where there is no node yet and nothing says what to call it. Then nothing is to
 *   be done at all.
 */
export function planInstall(facts: Facts, target: InstallTarget): Plan {
  if (facts.configError !== undefined) throw facts.configError;
  requireFit(facts, target);
  const before: Action[] = [
    thePackages(facts),
    theUser(facts, target.nodeFiles),
    theSubordinateIds(facts),
    theLinger(facts),
    theFolders(facts, target.nodeFiles),
    podmansSettings(facts, target.nodeFiles),
    theRuntime(facts, target.program),
    ...theSnapshot(facts),
    theExecutable(facts, target.program),
    theConfig(facts, target),
    theUnits(facts, target.nodeFiles),
    thePermissions(facts),
  ];
  return {
    actions: [...before, ...theServices(facts, target.nodeFiles, before), theRemains(facts)],
    notes: notesOn(facts),
  };
}

/** All that stands against it, at once. */
function requireFit(facts: Facts, target: InstallTarget): void {
  const against = [
    ...(facts.systemdRuns
      ? []
      : ["systemd is not the first process here, and nothing else is known"]),
    ...(facts.systemdRuns && (facts.systemdVersion ?? 0) < oldestSystemd
      ? [`systemd is ${facts.systemdVersion ?? "of no version"}, and ${oldestSystemd} is needed`]
      : []),
    ...(facts.missing.length > 0 && !facts.distribution.isDebian
      ? [
        `${facts.distribution.name} is no Debian, so install by hand what is missing: ${
          facts.missing.join(", ")
        }`,
      ]
      : []),
    ...whyNotTheUser(facts),
    ...whyNotTheFolders(facts),
    ...whyNotTheRegistry(facts, target),
    ...whyNotTheNode(facts, target),
  ];
  if (against.length > 0) {
    throw new McpError("conflict", "Cannot install here, and nothing was changed", {
      details: against,
    });
  }
  if (facts.config === undefined && target.node === undefined && !isStaged(facts) && facts.isRoot) {
    throw new McpError("invalid", "Cannot make a node without its name and address", {
      hint: "Run `mcp-agent install --node-name rift --address 100.95.252.120:9444`",
    });
  }
}

function whyNotTheUser({ user, layout }: Facts): string[] {
  if (user === undefined || (user.home === layout.home && user.uid !== 0)) return [];
  return [`there is a user ${nodeUser} with the home ${user.home}, who is not the agent's`];
}

function whyNotTheFolders({ serviceRoot, user, layout, folder, home }: Facts): string[] {
  const ours = (uid: number) => uid === 0 || uid === user?.uid;
  return [
    ...(serviceRoot === undefined || ours(serviceRoot.uid) || serviceRoot.names.length === 0
      ? []
      : [
        `${layout.serviceRoot} belongs to the user ${serviceRoot.uid} and holds ${
          serviceRoot.names.slice(0, 5).join(", ")
        }; the agent must own it`,
      ]),
    ...([[layout.folder, folder], [layout.home, home]] as const)
      .filter(([, it]) => it !== undefined && !ours(it.uid))
      .map(([path, it]) => `${path} belongs to the user ${it?.uid}`),
  ];
}

function whyNotTheRegistry({ schema }: Facts, target: InstallTarget): string[] {
  if (schema === undefined || schema <= target.schema) return [];
  return [
    `the registry has schema ${schema}, and this mcp-agent knows ${target.schema}: install the one that ` +
    "wrote it, or a newer one",
  ];
}

function whyNotTheNode(
  { config, folder, staged, layout }: Facts,
  { node }: InstallTarget,
): string[] {
  if (config !== undefined) {
    return [
      ...(node === undefined || node.name === config.nodeName ? [] : [
        `this machine is the node ${config.nodeName} already, not ${node.name}: leave out --node-name`,
      ]),
      ...(config.podmanUrl === nodePodmanUrl ? [] : [
        `under its unit the agent reaches podman at one place only: set agent.podman_url = ` +
        `"${nodePodmanUrl}" in ${config.file}`,
      ]),
    ];
  }
  const made = ["certs", "mcp.db"].filter((name) => folder?.names.includes(name) === true)
    // Those that were moved already when an earlier run was cut short have left the staging folder.
    .filter((name) => staged?.includes("mcp-agent.toml") !== true || staged.includes(name));
  if (made.length === 0) return [];
  return [
    `${layout.folder} holds ${
      made.join(" and ")
    } but no mcp-agent.toml: write one, or move them away`,
  ];
}

function thePackages({ missing }: Facts): Action {
  return {
    what: "packages",
    why: "podman runs the containers; the rest lets it do so without privileges",
    now: missing.length === 0
      ? `all ${Object.keys(packages).length} are installed`
      : `${missing.join(" ")} ${missing.length === 1 ? "is" : "are"} missing`,
    ...change(missing.length > 0, [
      run(aptMs, programs.aptGet, "update"),
      run(aptMs, programs.aptGet, "install", "--yes", "--no-install-recommends", ...missing),
    ]),
  };
}

function theUser({ user, layout, texts }: Facts, { sysusers }: NodeFiles): Action {
  const isWritten = texts.get(layout.sysusers) === sysusers;
  return {
    what: `user ${nodeUser}`,
    why: `owns ${layout.serviceRoot}, runs podman without privileges, and nobody logs in as it`,
    now: user === undefined
      ? "there is none"
      : isWritten
      ? `exists, number ${user.uid}`
      : `exists, number ${user.uid}, but ${layout.sysusers} does not say so`,
    ...change(user === undefined || !isWritten, [
      { do: "write", path: layout.sysusers, text: sysusers },
      run(shortMs, programs.sysusers, layout.sysusers),
    ]),
  };
}

function theSubordinateIds({ user, subuid, subgid }: Facts): Action {
  const who = { name: nodeUser, ...(user === undefined ? {} : { uid: user.uid }) };
  const missing = [
    ...(hasRange(subuid, who) ? [] : ["--add-subuids"]),
    ...(hasRange(subgid, who) ? [] : ["--add-subgids"]),
  ];
  const what = "subordinate ids";
  const why = "the users inside containers, none of whom is anybody on this machine";
  if (missing.length === 0) return { what, why, now: "given", state: "keep", steps: [] };
  const range = freeRange(subuid, subgid);
  if (range === undefined) {
    throw new McpError("conflict", "Cannot give subordinate ids to mcp: all are taken", {
      hint: "Look into /etc/subuid and /etc/subgid for ranges that nobody needs any more",
    });
  }
  const ids = `${range.first}-${range.last}`;
  return {
    what,
    why,
    now: "none are given",
    ...change(true, [
      run(shortMs, programs.usermod, ...missing.flatMap((flag) => [flag, ids]), nodeUser),
    ]),
  };
}

function theLinger({ lingers }: Facts): Action {
  return {
    what: "lingering",
    why: "a systemd of the user's own from boot on; podman puts containers into its control groups",
    now: lingers ? "on" : "off",
    ...change(!lingers, [run(shortMs, programs.loginctl, "enable-linger", nodeUser)]),
  };
}

function theFolders(facts: Facts, { tmpfiles }: NodeFiles): Action {
  const { layout, texts, user, serviceRoot } = facts;
  const all = [layout.home, layout.serviceRoot, layout.folder];
  const wrong = [facts.home, serviceRoot, facts.folder]
    .map((folder, at) => user !== undefined && folder?.uid === user.uid ? undefined : all[at])
    // Its parent may be closed to who is not root.
    .filter((path) => path !== undefined && !isHidden(facts, path));
  const isWritten = texts.get(layout.tmpfiles) === tmpfiles;
  return {
    what: "folders",
    why: "container storage, a folder per service, and the agent's own",
    now: wrong.length > 0
      ? `${wrong.join(", ")} ${wrong.length === 1 ? "is" : "are"} not there, or not ${nodeUser}'s`
      : isWritten
      ? `${all.join(", ")} are ${nodeUser}'s`
      : `${all.join(", ")} are ${nodeUser}'s, but ${layout.tmpfiles} does not say so`,
    ...change(wrong.length > 0 || !isWritten, [
      { do: "write", path: layout.tmpfiles, text: tmpfiles },
      run(shortMs, programs.tmpfiles, "--create", layout.tmpfiles),
    ]),
  };
}

function podmansSettings(facts: Facts, nodeFiles: NodeFiles): Action {
  const { layout, texts } = facts;
  const files = [
    [layout.containersConf, nodeFiles.containersConf],
    [layout.storageConf, nodeFiles.storageConf],
  ] as const;
  const states = files.map(([path, shipped]) => {
    const installed = texts.get(path);
    const text = stamped(shipped);
    if (installed === text) return { path, text, now: "as shipped" };
    if (installed === undefined) {
      return isHidden(facts, path)
        ? { path, text, now: "hidden" }
        : { path, text, now: "absent", isWanted: true };
    }
    return isOurs(installed)
      ? { path, text, now: "of another version", isWanted: true }
      : { path, text, now: "changed by an operator, left alone" };
  });
  const wanted = states.filter(({ isWanted }) => isWanted === true);
  return {
    what: `podman's settings for ${nodeUser}`,
    why: "logs and events that the agent can read; for no other user",
    now: states.map(({ path, now }) => `${basename(path)} ${now}`).join(", "),
    ...change(wanted.length > 0, wanted.map(({ path, text }) => ({ do: "write", path, text }))),
  };
}

function theRuntime({ layout, runtimeIsInstalled }: Facts, { runtime }: BuiltProgram): Action {
  const to = `${layout.runtimes}/${runtime.split("/").at(-1)}`;
  return {
    what: "unpacked program",
    why: "root's, so that nobody who runs it can change it",
    now: `${runtimeIsInstalled ? "in" : "absent from"} ${layout.runtimes}`,
    ...change(!runtimeIsInstalled, [{ do: "copy_runtime", from: runtime, to }]),
  };
}

/** Whether one is kept because what came after it is not known to serve. */
function keepsPrevious({ hasPrevious, units }: Facts): boolean {
  const agent = units.get("mcp-agent.service");
  return hasPrevious && !(agent?.isActive === true && agent.restarts === 0);
}

function theSnapshot(facts: Facts): Action[] {
  const { executable, schema, layout } = facts;
  if (executable !== "other" || schema === undefined || keepsPrevious(facts)) return [];
  return [{
    what: "a snapshot of the registry",
    why: "the way back, should the new program not serve",
    now: `schema ${schema}`,
    ...change(true, [
      {
        do: "snapshot",
        executable: layout.executable,
        config: layout.config,
        record: layout.previousRegistry,
      },
    ]),
  }];
}

function theExecutable(facts: Facts, program: BuiltProgram): Action {
  const { layout, executable } = facts;
  return {
    what: layout.executable,
    why: "the program",
    now: { absent: "absent", same: "is this one", other: "is another one" }[executable],
    ...change(executable !== "same", [{
      do: "replace_executable",
      from: program.executable,
      to: layout.executable,
      previous: keepsPrevious(facts) ? undefined : layout.previous,
    }]),
  };
}

function theConfig(facts: Facts, { node }: InstallTarget): Action {
  const { layout, config } = facts;
  const what = layout.config;
  const why = "config, a private CA with a certificate, the registry and a first token";
  if (config !== undefined) {
    return { what, why, now: `is node ${config.nodeName}`, state: "keep", steps: [] };
  }
  if (isHidden(facts, layout.config)) {
    return { what, why, now: "may not be looked at", state: "keep", steps: [] };
  }
  const args = node === undefined ? [] : [
    ...["--node-name", node.name, "--address", node.address, "--listen", node.listen],
    ...["--podman-url", nodePodmanUrl, "--token-lifetime", node.lifetime],
  ];
  return {
    what,
    why,
    now: isStaged(facts) ? "half made" : "absent",
    ...change(true, [{
      do: "make_node",
      executable: layout.executable,
      staging: layout.staging,
      folder: layout.folder,
      args,
    }]),
  };
}

function theUnits(facts: Facts, { units }: NodeFiles): Action {
  const { layout, texts } = facts;
  const wanted = wantedUnits(facts, units);
  const absent = wanted.filter((name) => !texts.has(`${layout.units}/${name}`));
  return {
    what: `units in ${layout.units}`,
    why: "the agent, podman's API for it, a clean stop of containers at shutdown, a daily snapshot",
    now: wanted.length === 0
      ? "as shipped"
      : absent.length > 0
      ? `${absent.join(", ")} absent`
      : `${wanted.join(", ")} of another version`,
    ...change(
      wanted.length > 0,
      wanted.map((name) => ({
        do: "write",
        path: `${layout.units}/${name}`,
        text: units.get(name) ?? "",
      })),
    ),
  };
}

/** The names of the units that are not as shipped. */
function wantedUnits({ layout, texts, user }: Facts, units: NodeFiles["units"]): string[] {
  return [...units.keys()].filter((name) =>
    user === undefined ||
    texts.get(`${layout.units}/${name}`) !== withUid(units.get(name) ?? "", user.uid)
  );
}

function thePermissions(facts: Facts): Action {
  const { layout, config, texts } = facts;
  const installed = texts.get(layout.permissions);
  const isSame = config !== undefined && installed === permissionsDropIn(config, layout.executable);
  return {
    what: layout.permissions,
    why: "the permissions that the config needs, spelled out, and root's to change",
    now: isSame
      ? "as the config needs it"
      : installed === undefined
      ? "absent"
      : config === undefined
      ? "not compared with the config"
      : "not what the config needs",
    ...change(!isSame, [{
      do: "write_permissions",
      path: layout.permissions,
      config: layout.config,
    }]),
  };
}

/** Reading units anew, enabling and starting; containers run on through all of it. */
function theServices(
  facts: Facts,
  nodeFiles: NodeFiles,
  before: readonly Action[],
): Action[] {
  const { layout, units } = facts;
  const changed = new Set(before.filter(({ state }) => state === "change").map(({ what }) => what));
  const changedUnits = wantedUnits(facts, nodeFiles.units);
  const mustReload = changedUnits.length > 0 || changed.has(layout.permissions) ||
    [...units.values()].some(({ needsReload }) => needsReload);
  const disabled = enabledUnits.filter((name) => units.get(name)?.isEnabled !== true);
  const stopped = enabledUnits.filter((name) => units.get(name)?.isActive !== true);
  // Never mcp-containers.service: to restart it is to stop every container.
  const toRestart = enabledUnits.filter((name) =>
    name !== "mcp-containers.service" && !stopped.includes(name) &&
    (changedUnits.includes(name) ||
      (name === "mcp-agent.service" &&
        ([layout.permissions, layout.executable, layout.config].some((what) => changed.has(what)) ||
          isStale(facts))) ||
      // A socket cannot be made anew while its service holds it.
      (name === "mcp-podman.service" && changedUnits.includes("mcp-podman.socket")))
  );
  const isToServe = stopped.includes("mcp-agent.service") ||
    toRestart.includes("mcp-agent.service");
  return [
    {
      what: "systemd's view of the units",
      why: "it reads them only when it is told to",
      now: mustReload ? "will be out of date" : "up to date",
      ...change(mustReload, [run(shortMs, programs.systemctl, "daemon-reload")]),
    },
    {
      what: "start at boot",
      why: "the node comes back by itself",
      now: disabled.length === 0 ? "enabled" : `${disabled.join(", ")} not enabled`,
      ...change(disabled.length > 0, [run(shortMs, programs.systemctl, "enable", ...disabled)]),
    },
    {
      what: "services",
      why: "the agent, podman's API for it, and a daily snapshot; containers are not touched",
      now: [
        ...(stopped.length > 0 ? [`${stopped.join(", ")} not running`] : []),
        ...(toRestart.length > 0 ? [`${toRestart.join(", ")} to be restarted`] : []),
      ].join("; ") || "running",
      ...change(stopped.length + toRestart.length > 0, [
        ...(toRestart.length > 0 ? [run(stopMs, programs.systemctl, "restart", ...toRestart)] : []),
        ...(stopped.length > 0 ? [run(stopMs, programs.systemctl, "start", ...stopped)] : []),
      ]),
    },
    {
      what: "the agent",
      why: "installed is what serves; where it does not, the one before is put back",
      now: isToServe ? "waited for, until it serves" : "runs",
      ...change(isToServe, [{
        do: "await_serving",
        config: layout.config,
        executable: layout.executable,
        previous: layout.previous,
        record: layout.previousRegistry,
      }]),
    },
  ];
}

/** What an earlier program leaves; only once the new one serves. */
function theRemains({ layout, executable, hasPrevious, unusedRuntimes }: Facts): Action {
  const mayLeave = executable === "other" || hasPrevious || unusedRuntimes.length > 0;
  return {
    what: "earlier programs",
    why: "kept until the new one serves, and not longer",
    now: mayLeave ? "to be removed" : "none",
    ...change(mayLeave, [
      { do: "remove", path: layout.previous },
      { do: "remove", path: layout.previousRegistry },
      { do: "remove_unused_runtimes", folder: layout.runtimes },
    ]),
  };
}

function notesOn(facts: Facts): string[] {
  const { config, layout, serviceRoot, user, unreadable } = facts;
  const outside = config === undefined ? [] : pathsOutside(config, layout.serviceRoot);
  const foreign = serviceRoot !== undefined && serviceRoot.uid !== user?.uid
    ? serviceRoot.names.filter((name) => !name.startsWith("."))
    : [];
  return [
    ...(outside.length > 0
      ? [
        `${outside.join(" and ")} ${outside.length === 1 ? "lies" : "lie"} outside ` +
        `${layout.serviceRoot}: the units need drop-ins with ReadWritePaths= for that`,
      ]
      : []),
    ...(foreign.length > 0
      ? [
        `${layout.serviceRoot} holds ${foreign.slice(0, 5).join(", ")}: ` +
        `${nodeUser} will own ${layout.serviceRoot} itself, and so may rename what is in it`,
      ]
      : []),
    ...(unreadable.length > 0 ? [`only root can look at ${unreadable.join(", ")}`] : []),
  ];
}

function pathsOutside(config: AgentConfig, serviceRoot: string): string[] {
  return [config.serviceRoot, config.databaseFile]
    .filter((path) => path !== serviceRoot && !path.startsWith(`${serviceRoot}/`));
}

/** Whether what the agent runs by was changed after it was started. */
function isStale({ units, changedAt }: Facts): boolean {
  const startedAt = units.get("mcp-agent.service")?.startedAt;
  return startedAt !== undefined && changedAt !== undefined && changedAt > startedAt;
}

/** Whether an earlier run has made a node and could not move all of it into its place. */
function isStaged({ staged }: Facts): boolean {
  return staged?.includes("mcp-agent.toml") === true;
}

/** Whether something above the path may not be looked at. */
function isHidden({ unreadable }: Facts, path: string): boolean {
  return unreadable.some((hidden) => path === hidden || path.startsWith(`${hidden}/`));
}
