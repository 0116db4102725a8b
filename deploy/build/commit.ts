/**
 * Which commit this tree is.
 *
 * @module
 */

import { runCommand } from "../sandbox/command.ts";

const timeoutMs = 60_000;

/**
 * The commit, shortened; "-dirty" behind it when files differ from it or are not known to it.
 * Where there is no git, or no repository of it, "unknown commit": a tree may be built from an archive.
 */
export async function commitOf(folder: string): Promise<string> {
  const git = ["git", "-C", folder];
  const head = await runCommand([...git, "rev-parse", "--short=7", "HEAD"], { timeoutMs });
  const status = await runCommand([...git, "status", "--porcelain"], { timeoutMs });
  if (!head.success || !status.success) return "unknown commit";
  return `${head.stdout.trim()}${status.stdout === "" ? "" : "-dirty"}`;
}
