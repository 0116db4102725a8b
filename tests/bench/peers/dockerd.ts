/**
 * Docker as a user of it has it: dockerd and containerd of Debian, as root, for a while.
 *
 * The packages are unpacked and not installed, so that nothing starts them on this machine. The daemon
 * has mount, pid and network namespaces of its own: its bridges and its firewall are not this machine's,
 * its data is in a throw-away folder, and all of it ends with this process.
 *
 * @module
 */

import { basename, dirname } from "node:path";
import { runCommand } from "../../../deploy/sandbox/command.ts";
import { ensurePackages, unpackPackages } from "../../../deploy/sandbox/packages.ts";
import { makeControlGroup, removeControlGroup } from "../../machine/control_group.ts";
import { eventually } from "../../support/eventually.ts";
import type { DockerPeer } from "../measure.ts";

/** A dockerd that answers; `await using` ends it. */
export interface Dockerd extends AsyncDisposable {
  readonly peer: DockerPeer;
}

/** How a daemon is arranged: `dockerd_inside.ts` is given this as JSON. */
export interface DockerdPlace {
  /** The unpacked packages. */
  readonly tree: string;
  /** Gets the data, which is gone at the end with its folder. */
  readonly data: string;
  /** The control group above those of its containers, from the root of them all, e.g. "/mcp-0123abcd". */
  readonly group: string;
  readonly socket: string;
  readonly usageFile: string;
}

const packages = ["docker.io", "containerd", "runc", "tini"];
const answersWithinMs = 30_000;

/** Why there can be none here; undefined when there can. */
export function whyNoDockerd(): string | undefined {
  return Deno.uid() === 0 ? undefined : "dockerd runs as root, and this is not root";
}

/** The folder with Debian's packages, fetched the first time. */
export async function unpackDocker(tell: (line: string) => void): Promise<string> {
  await ensurePackages(tell, { iproute2: "ip", iptables: "iptables", catatonit: "catatonit" });
  return await unpackPackages(packages, "docker.io", tell);
}

/**
 * Starts one, and makes it a swarm of one.
 *
 * @param folder A throw-away directory, whose name its control group gets too.
 * @param shared A folder for its socket and its client, by the name that it has here and the one it has where it is used.
 */
export async function startDockerd(
  tree: string,
  folder: string,
  shared: { readonly outside: string; readonly inside: string },
): Promise<Dockerd> {
  const socket = `${shared.outside}/docker.sock`;
  const place: DockerdPlace = {
    tree,
    data: `${folder}/docker`,
    group: `/${basename(folder)}`,
    socket,
    usageFile: `${shared.outside}/docker-usage.json`,
  };
  await using undo = new AsyncDisposableStack();
  const group = await makeControlGroup(basename(folder), dirname(folder));
  undo.defer(() => removeControlGroup(group));
  const inside = new URL("dockerd_inside.ts", import.meta.url).pathname;
  const log = await Deno.open(`${shared.outside}/dockerd.log`, { write: true, create: true });
  const child = new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig=KILL", "--", "unshare", "--mount", "--net", "--pid", "--fork"],
      // Whoever is orphaned in there needs a first process that collects it.
      ...["--mount-proc", "--kill-child", "catatonit", "--"],
      ...[Deno.execPath(), "run", "--quiet", "--no-config", "--no-lock", "--allow-all", inside],
      JSON.stringify(place),
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const copied = child.stderr.pipeTo(log.writable);
  undo.defer(async () => {
    child.kill("SIGKILL");
    await child.status;
    await copied;
  });
  const docker = [`${tree}/usr/bin/docker`, `--host=unix://${socket}`];
  const says = async (...args: readonly string[]) =>
    (await runCommand([...docker, ...args], { timeoutMs: 10_000 })).success ? true : undefined;
  await eventually("dockerd answers", () => says("version"), answersWithinMs);
  await Deno.chmod(socket, 0o666);
  await eventually("docker swarm init", () => says("swarm", "init", "--advertise-addr=127.0.0.1"));
  // Where it was unpacked the user of a sandbox may not look.
  await Deno.copyFile(docker[0] ?? "", `${shared.outside}/docker`);
  const started = undo.move();
  return {
    peer: {
      program: `${shared.inside}/docker`,
      socket: `${shared.inside}/docker.sock`,
      usageFile: `${shared.inside}/docker-usage.json`,
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
