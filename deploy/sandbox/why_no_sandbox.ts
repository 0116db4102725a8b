/**
 * Whether a sandbox can be had on this machine, asked before one is opened.
 *
 * Changes nothing. As root it looks for what the sandbox will need; as anyone else it runs a
 * container, for nothing less tells whether rootless podman works.
 *
 * @module
 */

import { runCommand } from "./command.ts";
import { findProgram, installCommand, missingPackages } from "./packages.ts";
import { makeThrowAway, parentDirectory } from "./throw_away.ts";

/**
 * Says why no sandbox can be had here, and what to do about it; undefined when it can.
 *
 * Packages that root can still install are no reason.
 */
export async function whyNoSandbox(): Promise<string | undefined> {
  const missing = await missingPackages();
  if (Deno.uid() !== 0) {
    if (missing.length > 0) {
      return `${missing.join(", ")} not installed. Run as root: ${installCommand(missing)}`;
    }
    const complaint = await tryContainer();
    if (complaint === undefined) return undefined;
    return `rootless podman runs no container for this user (${complaint}). ` +
      "Run this as root, or set podman up for this user until " +
      "`podman run --rm busybox true` succeeds";
  }
  if (missing.length > 0 && await findProgram("apt-get") === undefined) {
    return `${missing.join(", ")} not installed, and there is no apt-get. ` +
      "Install what your distribution calls them";
  }
  const kind = await runCommand(["stat", "--file-system", "--format=%T", parentDirectory], {
    timeoutMs: 60_000,
  });
  if (kind.stdout.trim() === "overlayfs") {
    return `${parentDirectory} is an overlay, on which containers cannot be stored. ` +
      `Mount a volume or a disk at ${parentDirectory}`;
  }
  if (!(await Deno.stat("/dev/net").then((info) => info.isDirectory, () => false))) {
    return "there is no /dev/net/tun, which the containers' network needs. Run: modprobe tun";
  }
  const namespaces = await runCommand(
    ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"],
    { timeoutMs: 60_000 },
  );
  if (namespaces.success) return undefined;
  return `namespaces may not be made here (${namespaces.complaint}). ` +
    "Run this where root has CAP_SYS_ADMIN, or as a user with working rootless podman";
}

/**
 * Runs a container as the current user, from a folder, so that no image is needed.
 *
 * `podman info` answers even where no container can start, for lack of subordinate ids.
 */
async function tryContainer(): Promise<string | undefined> {
  await using root = await makeThrowAway();
  await Deno.copyFile("/bin/busybox", `${root.path}/busybox`);
  const argv = ["podman", "run", "--rm", "--rootfs", root.path, "/busybox", "true"];
  const trial = await runCommand(argv, { timeoutMs: 120_000 });
  return trial.success ? undefined : trial.complaint;
}
