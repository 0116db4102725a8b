/**
 * Ranges of subordinate ids: who has one, and one that nobody has.
 *
 * @module
 */

import { parseLentIds, wantedIds } from "../accounts.ts";

/** Where Debian's own tools begin and end to give them out. */
const lowest = 100_000;
const highest = 600_100_000;

/** Whether the user has a range in a text of /etc/subuid or /etc/subgid. */
export function hasRange(text: string, user: { readonly name: string; readonly uid?: number }) {
  return parseLentIds(text).some(({ owner }) => owner === user.name || owner === String(user.uid));
}

/** The lowest range that overlaps nobody's in both files, ends included; undefined: none is left. */
export function freeRange(
  subuid: string,
  subgid: string,
): { readonly first: number; readonly last: number } | undefined {
  const taken = [...parseLentIds(subuid), ...parseLentIds(subgid)]
    .sort((one, other) => one.start - other.start);
  let first = lowest;
  for (const range of taken) {
    if (range.start >= first + wantedIds) break;
    first = Math.max(first, range.start + range.count);
  }
  const last = first + wantedIds - 1;
  return last > highest ? undefined : { first, last };
}
