/**
 * The commands that mend what is found; each can be pasted as it is, on the node, as root. Pure.
 *
 * @module
 */

import { nodeUser } from "../install/layout.ts";
import { freeRange } from "../install/subordinate_ids.ts";
import type { Account } from "../accounts.ts";

/** Puts everything back that the installer has put there; config, registry and containers stay. */
export const reinstall = "mcp-agent install --yes";

/** Runs something as the user whose containers they are. */
export function asUser(account: Account | undefined, command: string): string {
  return `runuser -u ${account?.name ?? nodeUser} -- ${command}`;
}

/**
 * Runs something as that user with a home: podman looks for its settings there. The user's own shell
 * lets nobody in.
 */
export function atHome(account: Account | undefined, command: string): string {
  return `su -s /bin/sh -c ${quoted(`cd && ${command}`)} ${account?.name ?? nodeUser}`;
}

/** Lends ids that nobody has, and lets podman take them up. */
export function lendIds(
  kind: "subuid" | "subgid",
  account: Account | undefined,
  { subuid, subgid }: { readonly subuid: string; readonly subgid: string },
): string {
  const free = freeRange(subuid, subgid);
  if (free === undefined) return `grep --line-number . /etc/${kind}`;
  return `usermod --add-${kind}s ${free.first}-${free.last} ${account?.name ?? nodeUser} && ` +
    atHome(account, "podman system migrate");
}

/** A word as a shell takes it for one. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
