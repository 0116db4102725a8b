/**
 * The first thing that runs in a sandbox: arranges what its user will see, then runs the program.
 *
 * Started by `sandbox.ts` as root, in mount and pid namespaces of its own with catatonit as first
 * process; never by hand. Every mount made here is seen in there only and goes away with the last
 * process. The order matters: what is needed from the machine is mounted before another system is
 * entered and before the folders that may contain it (/home, /tmp, …) are covered, and `/` is shared
 * last, as podman wants it.
 *
 * @module
 */

import { demandCommand } from "./command.ts";

/** Everything `sandbox.ts` has decided; read from the file named by the only argument. */
export interface InsideRequest {
  /** The throw-away directory, prepared. */
  readonly directory: string;
  /** The root of another system whose programs are used; this machine's own unless said. */
  readonly system?: string;
  readonly userId: number;
  /** What of the machine is shown, read-only: a path below `view` for each real path. */
  readonly shown: Readonly<Record<string, string>>;
  readonly program: {
    readonly argv: readonly string[];
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
  };
}

if (import.meta.main) {
  // Written by sandbox.ts of the same commit a moment ago, so its shape needs no checking.
  const request: InsideRequest = JSON.parse(await Deno.readTextFile(Deno.args[0] ?? ""));
  try {
    await arrange(request);
    Deno.exitCode = await runAsUser(request);
  } catch (error) {
    // deno-lint-ignore no-console -- an entry: failures are said on stderr
    console.error(error instanceof Error ? error.message : error);
    Deno.exitCode = 1;
  }
}

async function arrange({ directory, system, userId, shown }: InsideRequest): Promise<void> {
  const view = `${directory}/view`;
  for (const [place, source] of Object.entries(shown)) {
    await mount("--bind", source, `${view}/${place}`);
    await mount("-o", "remount,bind,ro", `${view}/${place}`);
  }
  await mount("-t", "tmpfs", "-o", `mode=700,uid=${userId},gid=${userId}`, "tmpfs", `${view}/run`);
  if (system !== undefined) await enterSystem(system, directory);
  for (const file of ["passwd", "group", "subuid", "subgid"]) {
    await mount("--bind", `${directory}/etc/${file}`, `/etc/${file}`);
  }
  await arrangeTun();
  await arrangeControlGroups();

  await mount("--rbind", view, "/mnt");
  // /var/tmp last: the throw-away directory itself lies in there.
  for (const folder of ["home", "srv", "tmp", "var/tmp"]) {
    await mount("--bind", `${directory}/cover/${folder}`, `/${folder}`);
  }
  await mount("--make-rshared", "/");
}

/**
 * Makes another system's root this one's, read-only, with the machine's devices and kernel and the
 * throw-away directory where it was. Every process in here finds itself in it, this one included.
 */
async function enterSystem(system: string, directory: string): Promise<void> {
  const root = `${directory}/system`;
  await Deno.mkdir(root);
  await mount("--bind", system, root);
  await mount("-o", "remount,bind,ro", root);
  for (const folder of ["dev", "proc", "sys"]) {
    await mount("--rbind", `/${folder}`, `${root}/${folder}`);
  }
  await mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", `${root}/run`);
  await mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", `${root}/var/tmp`);
  await Deno.mkdir(`${root}${directory}`, { recursive: true });
  await mount("--rbind", directory, `${root}${directory}`);
  const oldRoot = "/run/machine";
  await Deno.mkdir(`${root}${oldRoot}`);
  await arranged(["pivot_root", root, `${root}${oldRoot}`]);
  await arranged(["umount", "--lazy", oldRoot]);
  await Deno.remove(oldRoot);
}

/** slirp4netns opens /dev/net/tun as the user; on the machine it may be root's alone. */
async function arrangeTun(): Promise<void> {
  await mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/dev/net");
  await arranged(["mknod", "--mode=666", "/dev/net/tun", "c", "10", "200"]);
}

/** Podman wants the second version of control groups only; some machines mount both. */
async function arrangeControlGroups(): Promise<void> {
  const place = "/sys/fs/cgroup";
  const mounts = (await Deno.readTextFile("/proc/self/mounts")).split("\n")
    .map((line) => line.split(" "))
    .filter(([, target]) => target === place);
  const topmost = mounts.at(-1);
  if (topmost?.[2] === "cgroup2") return;
  if (topmost !== undefined) await arranged(["umount", "--recursive", place]);
  await mount("-t", "cgroup2", "cgroup2", place);
}

async function mount(...args: readonly string[]): Promise<void> {
  await arranged(["mount", ...args]);
}

async function arranged(argv: readonly string[]): Promise<void> {
  await demandCommand("arrange the sandbox", argv, { timeoutMs: 120_000 });
}

async function runAsUser({ userId, program }: InsideRequest): Promise<number> {
  const { argv, cwd, env } = program;
  const child = new Deno.Command("setpriv", {
    args: [
      `--reuid=${userId}`,
      `--regid=${userId}`,
      "--clear-groups",
      "--inh-caps=-all",
      "--",
      ...argv,
    ],
    cwd,
    env: { ...env },
    clearEnv: true,
  }).spawn();
  // catatonit hands on what it gets; the program decides what it means, and when to end.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => child.kill(signal));
  }
  const { code } = await child.status;
  // The listeners would keep this process alive.
  Deno.exit(code);
}
