/**
 * The disk of a machine: a Debian that has just been installed, with podman and nothing of MCP.
 *
 * It is a folder on a real file system, so that it lives through power cuts, and containers can be
 * stored on it. /usr is this system's, or that of another root, through an overlay; /etc is a copy
 * without what is that system's own; everything else is empty.
 *
 * @module
 */

import { demandCommand } from "../../deploy/sandbox/command.ts";

/** The parts of a disk in its folder. */
export interface Disk {
  /** What the machine sees as /. */
  readonly root: string;
  /** Goes over /usr/local, where this system may have anything. */
  readonly local: string;
  /** What the machine writes to /usr. */
  readonly usr: { readonly lower: string; readonly upper: string; readonly work: string };
}

/** The folders of the Filesystem Hierarchy Standard that are empty, or mounted over. */
const emptyFolders = [
  ...["boot", "dev", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "usr"],
  ...["var/backups", "var/cache", "var/lib/systemd", "var/log/journal", "var/spool"],
  ...["var/lib/dpkg/info", "var/lib/dpkg/triggers", "var/lib/dpkg/updates"],
];

/** Links that every Debian with a merged /usr has. */
const mergedLinks = ["bin", "lib", "lib32", "lib64", "libx32", "sbin"];

/** This system's own choices, which a Debian that has just been installed has not made. */
const ownChoices = [
  ...["fstab", "mtab", "crypttab", "hostname", "machine-id", "resolv.conf"],
  // What is started at boot, and how.
  ...["systemd/system", "systemd/user", "systemd/network", "init.d", "rc.local", "sysctl.d"],
  ...["rc0.d", "rc1.d", "rc2.d", "rc3.d", "rc4.d", "rc5.d", "rc6.d", "rcS.d", "cron.d"],
  ...["sysusers.d", "tmpfiles.d", "ld.so.preload", "environment", "containers", "cni", "mcp"],
];

/** Where the empty places of /usr/local belong. */
const localFolders = ["bin", "etc", "include", "lib", "sbin", "share", "src"];

/** Nobody sits at the console; and /proc/sys is that of this system's kernel, not a machine's to set. */
const unwantedUnits = ["console-getty.service", "systemd-sysctl.service"];

/** What podman needs to pull anything; Debian's own file says the same. */
const imagePolicy = { default: [{ type: "insecureAcceptAnything" }] };

/**
 * For kernels whose second version of control groups has no controllers, as on machines that mix
 * both versions: podman asks for one of them for each container unless it is told not to.
 */
const noPidsController = `[containers]\npids_limit = 0\n`;

/** What a disk must be told. */
export interface DiskOptions {
  /** The root of the system that it is made of; empty for this one. */
  readonly system: string;
  readonly hostname: string;
  /** Image registries that speak plain HTTP, as `HOST:PORT`. */
  readonly plainRegistries: readonly string[];
}

/** Makes the disk in a folder that is empty but for what others put there. */
export async function makeDisk(folder: string, options: DiskOptions): Promise<Disk> {
  const root = `${folder}/root`;
  const local = `${folder}/local`;
  const { system } = options;
  const usr = { lower: `${system}/usr`, upper: `${folder}/usr`, work: `${folder}/usr-work` };
  for (const path of [root, local, usr.upper, usr.work]) await makeFolder(path);
  for (const name of emptyFolders) await makeFolder(`${root}/${name}`);
  for (const name of localFolders) await makeFolder(`${local}/${name}`);
  for (const name of ["tmp", "var/tmp"]) await makeFolder(`${root}/${name}`, 0o1777);
  await makeFolder(`${root}/root`, 0o700);
  await Deno.symlink("/run", `${root}/var/run`);
  await Deno.symlink("/run/lock", `${root}/var/lock`);
  for (const name of mergedLinks) {
    const target = await Deno.readLink(`${system}/${name}`).catch(() => undefined);
    if (target !== undefined) await Deno.symlink(target, `${root}/${name}`);
  }
  // What is installed in the system is installed there.
  const status = "var/lib/dpkg/status";
  await Deno.copyFile(`${system}/${status}`, `${root}/${status}`).catch(ifThere);
  await makeEtc(`${root}/etc`, options);
  return { root, local, usr };
}

async function makeEtc(etc: string, options: DiskOptions): Promise<void> {
  await demandCommand("copy /etc", ["cp", "--archive", `${options.system}/etc`, etc], {
    timeoutMs: 300_000,
  });
  for (const name of ownChoices) await removeAny(`${etc}/${name}`);
  for (const name of ["passwd", "group", "shadow", "gshadow", "subuid", "subgid"]) {
    await rewrite(`${etc}/${name}`, withoutMcp);
    // Copies of before an account was made.
    await removeAny(`${etc}/${name}-`);
  }
  for (const name of ["systemd/system", "systemd/user", "sysusers.d", "tmpfiles.d"]) {
    await makeFolder(`${etc}/${name}`);
  }
  for (
    const name of ["containers", "containers/containers.conf.d", "containers/registries.conf.d"]
  ) {
    await makeFolder(`${etc}/${name}`);
  }
  const files = {
    hostname: `${options.hostname}\n`,
    hosts: `127.0.0.1 localhost\n127.0.1.1 ${options.hostname}\n`,
    "machine-id": `${crypto.randomUUID().replaceAll("-", "")}\n`,
    "resolv.conf": "",
    fstab: "",
    "containers/policy.json": JSON.stringify(imagePolicy),
    "containers/containers.conf.d/machine.conf": noPidsController,
    "containers/registries.conf.d/machine.conf": options.plainRegistries
      .map((location) => `[[registry]]\nlocation = "${location}"\ninsecure = true\n`).join("\n"),
  };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${etc}/${name}`, text, { mode: 0o644 });
  }
  await Deno.symlink(
    "/lib/systemd/system/multi-user.target",
    `${etc}/systemd/system/default.target`,
  );
  for (const unit of unwantedUnits) {
    await Deno.symlink("/dev/null", `${etc}/systemd/system/${unit}`);
  }
}

function withoutMcp(text: string): string {
  return text.split("\n").filter((line) => !line.startsWith("mcp:")).join("\n");
}

async function rewrite(path: string, change: (text: string) => string): Promise<void> {
  const text = await Deno.readTextFile(path).catch(ifThere);
  if (text !== undefined) await Deno.writeTextFile(path, change(text));
}

async function makeFolder(path: string, mode = 0o755): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
  // Said once more, as the umask has had its way with the mode of a new folder.
  await Deno.chmod(path, mode);
}

async function removeAny(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch(ifThere);
}

/** Not every system has all of what is copied, changed or removed here. */
function ifThere(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
