/**
 * What lies in a sandbox's throw-away directory before its first program starts.
 *
 * Only makes files; `inside.ts` mounts them where programs will see them.
 *
 * @module
 */

import { type AccountFiles, chooseIdentity, type Identity, withIdentity } from "./identity.ts";

/**
 * Fills the directory: `etc` (account files), `view` (becomes /mnt) and `cover` (goes over /home,
 * /srv and the folders for temporary files).
 *
 * @param programs Names for which a place is kept on the PATH.
 * @param system The root of the system whose accounts are to be kept apart from the user's.
 * @returns The user it is for, who owns what a user should own.
 */
export async function prepareDirectory(
  directory: string,
  programs: readonly string[],
  system = "",
): Promise<Identity> {
  const accounts = await readAccounts(`${system}/etc`);
  const identity = chooseIdentity(accounts, Math.floor(Math.random() * 999));
  const home = `${directory}/cover/home/${identity.name}`;
  const owned = [
    `${directory}/view/deno`,
    `${directory}/view/out`,
    `${directory}/cover/srv`,
    home,
    `${home}/.config`,
    `${home}/.config/containers`,
  ];
  const shared = [`${directory}/cover/tmp`, `${directory}/cover/var/tmp`];
  const mountpoints = ["bin", "deno/npm", "mcp", "run"].map((name) => `${directory}/view/${name}`);
  for (const path of [`${directory}/etc`, ...owned, ...mountpoints, ...shared]) {
    await Deno.mkdir(path, { recursive: true });
    await Deno.chmod(path, shared.includes(path) ? 0o1777 : 0o755);
  }
  for (const name of programs) await Deno.writeTextFile(`${directory}/view/bin/${name}`, "");

  const known = withIdentity(accounts, identity, `/home/${identity.name}`);
  for (const [name, text] of Object.entries(known)) {
    await Deno.writeTextFile(`${directory}/etc/${name}`, text);
  }
  const containers = `${home}/.config/containers`;
  await Deno.writeTextFile(`${containers}/containers.conf`, containersConf);
  await Deno.writeTextFile(`${containers}/storage.conf`, storageConf);
  for (const path of owned) await giveTo(identity, path);
  return identity;
}

function giveTo(identity: Identity, path: string): Promise<void> {
  return Deno.chown(path, identity.id, identity.id);
}

async function readAccounts(etc: string): Promise<AccountFiles> {
  const [passwd, group, subuid, subgid] = await Promise.all(
    ["passwd", "group", "subuid", "subgid"].map((name) => Deno.readTextFile(`${etc}/${name}`)),
  );
  return { passwd: passwd ?? "", group: group ?? "", subuid: subuid ?? "", subgid: subgid ?? "" };
}

/**
 * No systemd looks after the user in there: podman must not ask it for control groups, nor the
 * journal for logs. The limits are what a namespace without the privilege to raise them can give,
 * and `pids_limit = 0` is for machines whose second hierarchy has no controllers.
 */
const containersConf = `[containers]
log_driver = "k8s-file"
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
pids_limit = 0

[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

/** Without this, podman may choose to copy every layer in full. */
const storageConf = `[storage]
driver = "overlay"
`;
