/**
 * The user that containers belong to, and the ids that are lent to it: /etc/passwd, /etc/subuid
 * and /etc/subgid, decoded. Pure.
 *
 * @module
 */

import type { IdRange, RuntimeInfo } from "../runtime/runtime.ts";

/** A user of the node. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  /** Empty when it is not known. */
  readonly home: string;
}

/** Ids that are lent to somebody, by name or by number. */
export interface LentIds extends IdRange {
  readonly owner: string;
}

/** As many as an image may use, and what Debian lends to everybody. */
export const wantedIds = 65_536;

/** The users of /etc/passwd; lines that are none are left out. */
export function parseAccounts(passwd: string): Account[] {
  return passwd.split("\n").flatMap((line) => {
    const [name = "", , uid = "", , , home = ""] = line.split(":");
    return name !== "" && /^\d+$/.test(uid) ? [{ name, uid: Number(uid), home }] : [];
  });
}

/** The lines of /etc/subuid or /etc/subgid; lines that are none are left out. */
export function parseLentIds(text: string): LentIds[] {
  return text.split("\n").flatMap((line) => {
    const [owner = "", start = "", count = ""] = line.trim().split(":");
    return owner !== "" && /^\d+$/.test(start) && /^\d+$/.test(count)
      ? [{ owner, start: Number(start), count: Number(count) }]
      : [];
  });
}

/** What is lent to one user. */
export function lentTo({ name, uid }: Account, lent: readonly LentIds[]): LentIds[] {
  return lent.filter(({ owner }) => owner === name || owner === String(uid));
}

/** Those of other users that share ids with this one's. */
export function overlapping(account: Account, lent: readonly LentIds[]): LentIds[] {
  const own = lentTo(account, lent);
  return lent.filter((other) => !own.includes(other) && own.some((mine) => overlap(mine, other)));
}

/**
 * Whose containers they are, found without /etc/passwd: the first id in a container is the user's
 * own, and the others are what /etc/subuid lends to that name.
 */
export function accountOf(
  { userIds }: Pick<RuntimeInfo, "userIds">,
  lent: readonly LentIds[],
): Account | undefined {
  const [own, first] = userIds;
  if (own === undefined) return undefined;
  const uid = own.start;
  const owners = lent.filter(({ start }) => start === first?.start).map(({ owner }) => owner);
  const name = owners.find((owner) => !/^\d+$/.test(owner));
  return name === undefined ? undefined : { name, uid, home: "" };
}

function overlap(one: IdRange, other: IdRange): boolean {
  return one.start < other.start + other.count && other.start < one.start + one.count;
}
