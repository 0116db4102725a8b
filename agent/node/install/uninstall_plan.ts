/**
 * Decides what it takes to have a machine be no node any more.
 *
 * What was made for the operator stays unless it is asked for by name: the registry, the config, the
 * container storage. Folders of services stay in any case; they are removed by hand, or not at all.
 *
 * @module
 */

import { dirname } from "node:path";
import { McpError } from "../../../lib/errors.ts";
import type { Facts } from "./facts.ts";
import { enabledUnits, nodeUser, programs } from "./layout.ts";
import type { NodeFiles } from "./machine.ts";
import { type Action, change, type Plan, run, type Step } from "./steps.ts";

const shortMs = 60_000;
/** Longer than the agent and all containers may take to stop. */
const stopMs = 600_000;
/** pkill's word for "there was none", and userdel's for "no such user". */
const nothingToKill = 1;
const noSuchUser = 6;

/**
 * Plans it.
 *
 * @param options.purgesData Whether registry, config, container storage and user go as well.
 */
export function planUninstall(
  facts: Facts,
  nodeFiles: NodeFiles,
  { purgesData }: { readonly purgesData: boolean },
): Plan {
  if (!facts.systemdRuns) {
    throw new McpError("conflict", "Cannot uninstall here: systemd is not the first process", {
      hint: "Run it on the node",
    });
  }
  return {
    actions: [
      theServices(facts),
      theUnits(facts, nodeFiles),
      ...(purgesData ? theData(facts) : []),
      theProgram(facts),
    ],
    notes: purgesData ? notesOnServices(facts) : notesOnData(facts),
  };
}

function theServices({ units, texts, layout }: Facts): Action {
  const known = enabledUnits.filter((name) => texts.has(`${layout.units}/${name}`));
  const live = known.filter((name) => {
    const state = units.get(name);
    return state?.isActive === true || state?.isEnabled === true;
  });
  return {
    what: "services",
    why: "the agent ends first, then every container of the user mcp, then podman's API",
    now: live.length === 0
      ? "neither running nor enabled"
      : `${live.join(", ")} running or enabled`,
    // One command: systemd stops them in the reverse of the order in which they are started.
    ...change(live.length > 0, [
      run(stopMs, programs.systemctl, "disable", "--now", ...known),
      // A timer remembers when it last went off, in a file of systemd's.
      ...known.filter((name) => name.endsWith(".timer"))
        .map((name) => run(shortMs, programs.systemctl, "clean", "--what=state", name)),
    ]),
  };
}

function theUnits({ texts, layout }: Facts, { units }: NodeFiles): Action {
  const paths = [
    ...[...units.keys()].map((name) => `${layout.units}/${name}`),
    layout.permissions,
    layout.sysusers,
    layout.tmpfiles,
  ].filter((path) => texts.has(path));
  return {
    what: "units",
    why: "nothing of the node is started any more",
    now: paths.length === 0 ? "none are installed" : `${paths.length} files are installed`,
    ...change(paths.length > 0, [
      ...paths.map((path): Step => ({ do: "remove", path })),
      { do: "remove_if_empty", path: dirname(layout.permissions) },
      run(shortMs, programs.systemctl, "daemon-reload"),
    ]),
  };
}

function theData({ layout, user, home, folder, lingers, serviceRoot, staged }: Facts): Action[] {
  return [
    {
      what: `user ${nodeUser}`,
      why: "its processes, its container storage with every image and volume, its subordinate ids",
      now: user === undefined ? "there is none" : `exists, home ${layout.home}`,
      ...change(user !== undefined || home !== undefined, [
        ...(lingers ? [run(shortMs, programs.loginctl, "disable-linger", nodeUser)] : []),
        ...(user === undefined ? [] : [
          run(stopMs, programs.systemctl, "stop", `user@${user.uid}.service`),
          // podman's own process holds the storage's mounts; it outlives its service on purpose.
          {
            do: "run",
            argv: [programs.pkill, "--signal", "KILL", "--uid", String(user.uid)],
            timeoutMs: shortMs,
            alsoFine: [nothingToKill],
          } as const,
        ]),
        { do: "remove", path: layout.home },
        ...(user === undefined ? [] : [
          {
            do: "run",
            argv: [programs.userdel, nodeUser],
            timeoutMs: shortMs,
            alsoFine: [noSuchUser],
          } as const,
        ]),
      ]),
    },
    {
      what: layout.folder,
      why: "config, registry, certificate and every snapshot of the registry",
      now: folder === undefined ? "absent" : "is there",
      ...change(folder !== undefined || staged !== undefined, [
        { do: "remove", path: layout.folder },
        { do: "remove", path: layout.staging },
      ]),
    },
    {
      what: `${layout.serviceRoot} itself`,
      why: "another user could be given mcp's number one day; what lies in it is left as it is",
      now: serviceRoot === undefined
        ? "absent"
        : `belongs to ${serviceRoot.uid === 0 ? "root" : nodeUser}`,
      ...change(serviceRoot !== undefined && serviceRoot.uid !== 0, [
        run(shortMs, programs.chown, "root:root", layout.serviceRoot),
      ]),
    },
  ];
}

/** Last: it is the program that does all this. */
function theProgram({ layout, executable, hasPrevious, runtimes }: Facts): Action {
  const isThere = executable !== "absent" || hasPrevious || runtimes.length > 0;
  return {
    what: layout.executable,
    why: "the program, and what it was unpacked into",
    now: isThere ? "installed" : "absent",
    ...change(isThere, [
      { do: "remove", path: layout.executable },
      { do: "remove", path: layout.previous },
      { do: "remove", path: layout.previousRegistry },
      ...runtimes.map((name): Step => ({ do: "remove", path: `${layout.runtimes}/${name}` })),
      { do: "remove_if_empty", path: layout.runtimes },
      { do: "remove", path: layout.cache },
    ]),
  };
}

function notesOnData({ layout, user, folder, home }: Facts): string[] {
  const kept = [
    ...(folder === undefined ? [] : [`${layout.folder} (config, registry, snapshots)`]),
    ...(home === undefined ? [] : [`${layout.home} (images, volumes, stopped containers)`]),
    ...(user === undefined ? [] : [`the user ${nodeUser} with its subordinate ids`]),
  ];
  return kept.length === 0 ? [] : [
    `kept: ${
      kept.join(", ")
    }, and every folder of a service. To remove all but those of services, ` +
    "run `./mcp-agent uninstall --purge-data` with the file that you installed from",
  ];
}

function notesOnServices({ layout, serviceRoot }: Facts): string[] {
  const names = (serviceRoot?.names ?? [])
    .filter((name) => name !== "mcp" && !name.startsWith("."));
  return names.length === 0 ? [] : [
    `kept: ${names.map((name) => `${layout.serviceRoot}/${name}`).join(", ")}. ` +
    "They are services' data; remove them yourself",
  ];
}
