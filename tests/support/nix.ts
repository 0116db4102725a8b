/**
 * nix from Debian's packages, unpacked into the caller's cache and run from there.
 *
 * It is not installed: its package makes users and a store. Reading and evaluating needs neither.
 *
 * @module
 */

import { runCommand } from "../../deploy/sandbox/command.ts";

/** nix itself, and those of its libraries that other programs seldom bring. */
const packages = ["nix-bin", "libboost-context1.74.0", "libcpuid16", "libgc1"];

const downloadMs = 600_000;

/** Runs `nix-instantiate` with these arguments, in a store of its own. */
export type NixInstantiate = (
  args: readonly string[],
) => Promise<{ readonly success: boolean; readonly stdout: string; readonly complaint: string }>;

/** @returns Undefined, with a reason told, where nix cannot be had. */
export async function openNix(
  tell: (reason: string) => void,
): Promise<NixInstantiate | undefined> {
  const home = Deno.env.get("HOME") ?? "/root";
  const cache = `${Deno.env.get("XDG_CACHE_HOME") || `${home}/.cache`}/mcp-dev`;
  const tree = `${cache}/nix`;
  const nix: NixInstantiate = (args) =>
    runCommand([`${tree}/usr/bin/nix-instantiate`, ...args], {
      timeoutMs: 300_000,
      env: {
        LD_LIBRARY_PATH: `${tree}/usr/lib/nix:${tree}/usr/lib/${Deno.build.arch}-linux-gnu`,
        NIX_STORE_DIR: `${tree}/store`,
        NIX_STATE_DIR: `${tree}/state`,
        NIX_LOG_DIR: `${tree}/log`,
        NIX_CONF_DIR: `${tree}/conf`,
      },
    });
  if ((await nix(["--version"])).success) return nix;

  await Deno.mkdir(cache, { recursive: true });
  // Unpacked beside its final place and renamed, so that an interrupted download is not found here.
  const work = await Deno.makeTempDir({ dir: cache });
  try {
    const options = { timeoutMs: downloadMs, cwd: work };
    const download = await runCommand(["apt-get", "download", ...packages], options);
    if (!download.success) {
      tell(download.complaint);
      return undefined;
    }
    for await (const { name } of Deno.readDir(work)) {
      if (!name.endsWith(".deb")) continue;
      await runCommand(["dpkg", "-x", name, "tree"], options);
    }
    await Deno.remove(tree, { recursive: true }).catch(() => {});
    await Deno.rename(`${work}/tree`, tree);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  const { success, complaint } = await nix(["--version"]);
  if (!success) tell(complaint);
  return success ? nix : undefined;
}
