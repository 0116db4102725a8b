/**
 * What moving files to and from a node has in common.
 *
 * @module
 */

/** How long a node is given for one file. */
export const transferTimeoutMs = 2 * 60_000;

/** Read, write and execute for owner, group and others; nothing that lends somebody's rights. */
export const permissionBits = 0o777;

/** A mode as `chmod` takes it. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
