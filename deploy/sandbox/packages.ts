/**
 * The Debian packages a sandbox needs: which are missing, and how they get here.
 *
 * Root gets them installed and is told so; anyone else gets the command to run. Debian's
 * `docker-registry` is never installed, because that starts a service on port 5000: its binary is
 * unpacked into the caller's cache folder and run from there.
 *
 * @module
 */

import { demandCommand, runCommand } from "./command.ts";

/** Each package, with the program that tells whether it is here on systems without dpkg. */
export type Packages = Readonly<Record<string, string>>;

/** What rootless podman needs, and what tests and the demo call. */
export const sandboxPackages: Packages = {
  "util-linux": "unshare",
  podman: "podman",
  crun: "crun",
  uidmap: "newuidmap", // subordinate uids for a user without privileges
  slirp4netns: "slirp4netns", // podman's default network without privileges, with published ports
  netavark: "/usr/lib/podman/netavark", // user-defined networks
  "aardvark-dns": "/usr/lib/podman/aardvark-dns", // names on those networks
  iptables: "iptables", // netavark of Debian 12 calls it
  nftables: "nft", // and that of Debian 13
  catatonit: "catatonit", // first process of the sandbox
  "busybox-static": "busybox", // all there is in the demo's images
  curl: "curl", // what the demo looks at its page with
};

const aptTimeoutMs = 300_000;

/** Names the packages that are not installed; an empty list when there is nothing to do. */
export async function missingPackages(
  packages: Packages = sandboxPackages,
): Promise<readonly string[]> {
  const names = Object.keys(packages);
  const query = await runCommand(
    ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", ...names],
    { timeoutMs: 60_000 },
  );
  // dpkg-query fails when it has never heard of one of them, and still lists the others.
  if (query.success || query.stdout !== "") {
    const lines = query.stdout.split("\n");
    return names.filter((name) => !lines.includes(`${name} installed`));
  }
  const missing = await Promise.all(
    Object.entries(packages).map(async ([name, program]) =>
      (await findProgram(program)) === undefined ? [name] : []
    ),
  );
  return missing.flat();
}

/** The command that installs them. */
export function installCommand(names: readonly string[]): string {
  return `apt-get update && apt-get install -y --no-install-recommends ${names.join(" ")}`;
}

/**
 * Makes sure that every package is here.
 *
 * @param tell Is given a line for people before anything is installed.
 * @param packages Those of the sandbox, or others that a test needs.
 * @throws When something is missing and this is not root, or apt-get fails.
 */
export async function ensurePackages(
  tell: (line: string) => void,
  packages: Packages = sandboxPackages,
): Promise<void> {
  const missing = await missingPackages(packages);
  if (missing.length === 0) return;
  if (Deno.uid() !== 0) {
    throw new Error(
      `Cannot go on without ${missing.join(", ")}. Run as root: ${installCommand(missing)}`,
    );
  }
  tell(`Installing Debian packages: ${missing.join(" ")}`);
  const options = { timeoutMs: aptTimeoutMs, env: { DEBIAN_FRONTEND: "noninteractive" } };
  await demandCommand("read the package lists", ["apt-get", "update"], options);
  await demandCommand(
    "install the packages",
    ["apt-get", "install", "-y", "--no-install-recommends", ...missing],
    options,
  );
}

/**
 * Finds the `docker-registry` program, unpacking Debian's package into the cache folder the first
 * time.
 *
 * @returns The path of the binary.
 */
export async function ensureRegistryProgram(tell: (line: string) => void): Promise<string> {
  const installed = await findProgram("docker-registry");
  if (installed !== undefined) return installed;

  const program = `${cacheDirectory()}/mcp-dev/docker-registry/usr/bin/docker-registry`;
  if (await isFile(program)) return program;

  await unpackPackages(["docker-registry"], "docker-registry", tell);
  return program;
}

/**
 * Unpacks Debian packages into a folder of the cache, where nothing starts them; what is there already
 * stays.
 *
 * @param folder Its name, below the cache folder.
 * @returns The path of the folder, with `usr` and so on in it.
 */
export async function unpackPackages(
  names: readonly string[],
  folder: string,
  tell: (line: string) => void,
): Promise<string> {
  const cache = `${cacheDirectory()}/mcp-dev`;
  const unpacked = `${cache}/${folder}`;
  if (await Deno.stat(unpacked).then(() => true, () => false)) return unpacked;
  tell(`Unpacking Debian's ${names.join(", ")} into ${cache} (not installed)`);
  await Deno.mkdir(cache, { recursive: true });
  // Unpacked beside its final place and renamed, so that an interrupted download is not found
  // here the next time.
  const work = await Deno.makeTempDir({ dir: cache });
  try {
    const options = { timeoutMs: aptTimeoutMs, cwd: work };
    for (const name of names) await downloadPackage(name, options);
    for await (const entry of Deno.readDir(work)) {
      if (!entry.name.endsWith(".deb")) continue;
      await demandCommand(`unpack ${entry.name}`, ["dpkg", "-x", entry.name, "tree"], options);
    }
    await Deno.rename(`${work}/tree`, unpacked);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  return unpacked;
}

async function downloadPackage(
  name: string,
  options: { readonly timeoutMs: number; readonly cwd: string },
): Promise<void> {
  const argv = ["apt-get", "download", name];
  if ((await runCommand(argv, options)).success) return;
  // Most likely the package lists are missing or stale, which only root can mend.
  if (Deno.uid() === 0) {
    await demandCommand("read the package lists", ["apt-get", "update"], options);
  }
  await demandCommand(`download ${name}`, argv, options);
}

/** Where what may be made again is kept. */
export function cacheDirectory(): string {
  const home = Deno.env.get("HOME") ?? "/root";
  return Deno.env.get("XDG_CACHE_HOME") || `${home}/.cache`;
}

/** The path of a program: absolute as given, or the first on PATH, sbin included. */
export async function findProgram(name: string): Promise<string | undefined> {
  if (name.startsWith("/")) return await isFile(name) ? name : undefined;
  const folders = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`.split(":");
  for (const folder of folders) {
    if (folder.startsWith("/") && await isFile(`${folder}/${name}`)) return `${folder}/${name}`;
  }
  return undefined;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    // Missing, or in a folder that may not be read: either way it is of no use here.
    return false;
  }
}
