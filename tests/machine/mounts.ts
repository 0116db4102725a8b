/**
 * What is mounted before a machine's first process starts, as data: commands in their order.
 *
 * They run in the machine's own namespaces, on this system's root until the last few of them make
 * the disk the root. Nothing of this is seen outside, and all of it goes away with the machine.
 *
 * @module
 */

import type { Disk } from "./disk.ts";

/** Devices that programs take for granted, with what containers need besides. */
const devices: readonly (readonly [name: string, major: number, minor: number])[] = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["full", 1, 7],
  ["random", 1, 8],
  ["urandom", 1, 9],
  ["tty", 5, 0],
  ["fuse", 10, 229],
  ["net/tun", 10, 200],
];

const links = {
  ptmx: "pts/ptmx",
  fd: "/proc/self/fd",
  stdin: "/proc/self/fd/0",
  stdout: "/proc/self/fd/1",
  stderr: "/proc/self/fd/2",
};

/** Where the old root is, for the moment between two commands. */
const oldRoot = "run/old-root";

/**
 * The commands that make a disk the root of a machine.
 *
 * Nothing is mounted over a part of /proc: the kernel would then refuse containers a /proc of theirs.
 *
 * @param consoleFile Takes what is written to the console.
 */
export function mountCommands(disk: Disk, consoleFile: string): string[][] {
  const { root, local, usr } = disk;
  const at = (path: string) => `${root}/${path}`;
  const mount = (
    kind: string,
    options: string,
    path: string,
  ) => ["mount", "--types", kind, "--options", options, kind, at(path)];
  return [
    // pivot_root takes a mount only.
    ["mount", "--bind", root, root],
    mount("overlay", `lowerdir=${usr.lower},upperdir=${usr.upper},workdir=${usr.work}`, "usr"),
    ["mount", "--bind", local, at("usr/local")],
    mount("proc", "nosuid,nodev,noexec", "proc"),
    // Read-only, which also keeps udev from starting.
    mount("sysfs", "nosuid,nodev,noexec,ro", "sys"),
    mount("cgroup2", "nosuid,nodev,noexec,nsdelegate", "sys/fs/cgroup"),
    mount("tmpfs", "mode=755,nosuid", "dev"),
    ["mkdir", at("dev/net"), at("dev/pts"), at("dev/shm"), at("dev/mqueue")],
    ...devices.map(([name, major, minor]) => [
      ...["mknod", "--mode=666", at(`dev/${name}`), "c", `${major}`, `${minor}`],
    ]),
    mount("devpts", "newinstance,ptmxmode=0666,mode=620,gid=5", "dev/pts"),
    mount("tmpfs", "mode=1777,nosuid,nodev", "dev/shm"),
    ...Object.entries(links).map(([name, target]) => [
      ...["ln", "--symbolic", target, at(`dev/${name}`)],
    ]),
    ["touch", at("dev/console")],
    ["mount", "--bind", consoleFile, at("dev/console")],
    mount("tmpfs", "mode=755,nosuid,nodev", "run"),
    mount("tmpfs", "mode=1777,nosuid,nodev", "tmp"),
    ["mkdir", at(oldRoot)],
    ["pivot_root", root, at(oldRoot)],
    ["umount", "--lazy", `/${oldRoot}`],
    ["rmdir", `/${oldRoot}`],
    // Podman wants it shared; the old root had to be private until here.
    ["mount", "--make-rshared", "/"],
  ];
}
