/**
 * Whose the registry's files are: what root makes beside them must not be root's.
 *
 * An operator restores as root, and the agent is another user that could not open the result.
 *
 * @module
 */

import { chownSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Gives a file or folder to the owner of the folder that it lies in, where that can be done. */
export function giveToFolderOwner(path: string): void {
  const { uid, gid } = statSync(dirname(path));
  if (statSync(path).uid === uid) return;
  try {
    chownSync(path, uid, gid);
  } catch (error) {
    // Only root gives files away; of anybody else they stay what they are.
    if ((error as { readonly code?: unknown }).code !== "EPERM") throw error;
  }
}
