/**
 * Whether a machine can be had on this system, asked before one is booted.
 *
 * @module
 */

import { runCommand } from "../../deploy/sandbox/command.ts";
import { findProgram, missingPackages } from "../../deploy/sandbox/packages.ts";
import { whyNoSandbox } from "../../deploy/sandbox/why_no_sandbox.ts";
import { controlGroupsRoot } from "./control_group.ts";
import { machinePackages } from "./packages.ts";

/**
 * Says why no machine can be had here, and what to do about it; undefined when one can.
 *
 * Packages that root can still install are no reason.
 */
export async function whyNoMachine(): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "only root can boot one. Run this as root";
  const reason = await whyNoSandbox();
  if (reason !== undefined) return reason;
  const missing = await missingPackages(machinePackages);
  if (missing.length > 0 && await findProgram("apt-get") === undefined) {
    return `${missing.join(", ")} not installed, and there is no apt-get. ` +
      "Install what your distribution calls them";
  }
  const root = await controlGroupsRoot();
  if (root === undefined) {
    return "the second version of control groups is not mounted. " +
      "Run: mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified";
  }
  const trial = `${root}/mcp-trial-${crypto.randomUUID().slice(0, 8)}`;
  try {
    await Deno.mkdir(trial);
    await Deno.remove(trial);
  } catch (error) {
    return `control groups cannot be made in ${root} ` +
      `(${error instanceof Error ? error.message : error}). Run this outside a container`;
  }
  const namespaces = await runCommand(
    [
      ...["unshare", "--pid", "--fork", "--mount", "--uts", "--ipc", "--net", "--cgroup"],
      ...["--time", "--boottime", "-1", "true"],
    ],
    { timeoutMs: 60_000 },
  );
  if (namespaces.success) return undefined;
  return `not all namespaces may be made here (${namespaces.complaint}). ` +
    "Run this where root has CAP_SYS_ADMIN, on Linux 5.6 or newer";
}
