/**
 * The first program in the namespaces of a dockerd: arranges what it needs, runs it, and tells what it costs.
 *
 * Started by `dockerd.ts`, as root; never by hand.
 *
 * @module
 */

import { demandCommand } from "../../../deploy/sandbox/command.ts";
import { findProcesses, type ProcessUsage, usageOf } from "../place/process_usage.ts";
import type { DockerdPlace } from "./dockerd.ts";

if (import.meta.main) {
  // Written by dockerd.ts of the same tree a moment ago, so its shape needs no checking.
  const place: DockerdPlace = JSON.parse(Deno.args[0] ?? "");
  await arrange();
  const child = startDaemon(place);
  const telling = setInterval(() => tellUsage(place.usageFile), 1_000);
  const { code } = await child.status;
  clearInterval(telling);
  Deno.exit(code);
}

async function arrange(): Promise<void> {
  const control = "/sys/fs/cgroup";
  await arranged("mount", "--make-rprivate", "/");
  const mounts = (await Deno.readTextFile("/proc/self/mounts")).split("\n");
  const topmost = mounts.map((line) => line.split(" ")).filter(([, at]) => at === control).at(-1);
  if (topmost?.[2] !== "cgroup2") {
    // Docker could do with the first version; then its containers would be in this machine's groups.
    if (topmost !== undefined) await arranged("umount", "--recursive", control);
    await arranged("mount", "-t", "cgroup2", "cgroup2", control);
  }
  await arranged("mount", "-t", "tmpfs", "tmpfs", "/run");
  await arranged("ip", "link", "set", "lo", "up");
}

async function arranged(...argv: readonly string[]): Promise<void> {
  await demandCommand("arrange a place for dockerd", argv, { timeoutMs: 10_000 });
}

function startDaemon({ tree, data, group, socket }: DockerdPlace): Deno.ChildProcess {
  return new Deno.Command(`${tree}/usr/sbin/dockerd`, {
    args: [
      ...[`--data-root=${data}`, "--exec-root=/run/docker", "--pidfile=/run/docker.pid"],
      ...[`--host=unix://${socket}`, `--cgroup-parent=${group}`, "--log-level=warn"],
    ],
    // It starts containerd, and that the rest, by their names.
    env: { PATH: `${tree}/usr/sbin:${tree}/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin` },
    stdin: "null",
  }).spawn();
}

/** Renamed into place, so that nobody reads half of it. */
async function tellUsage(file: string): Promise<void> {
  const [dockerd, containerd, shims] = await Promise.all([
    findProcesses("/usr/sbin/dockerd --data-root"),
    findProcesses("containerd --config"),
    findProcesses("containerd-shim"),
  ]);
  const usage: Record<string, ProcessUsage> = {
    daemons: await usageOf([...dockerd, ...containerd]),
    shims: await usageOf(shims),
  };
  await Deno.writeTextFile(`${file}.new`, JSON.stringify(usage));
  await Deno.rename(`${file}.new`, file);
}
