/**
 * Ranges of subordinate ids: who has one, and one that nobody has.
 *
 * @module
 */

/** A range of ids, both ends included. */
export interface IdRange {
  readonly first: number;
  readonly last: number;
}

/** What images expect: as many ids as an ordinary system has. */
const count = 65_536;
/** Where Debian's own tools begin and end to give them out. */
const lowest = 100_000;
const highest = 600_100_000;

/** Whether the user has a range in a text of /etc/subuid or /etc/subgid. */
export function hasRange(text: string, user: { readonly name: string; readonly uid?: number }) {
  return owners(text).some((owner) => owner === user.name || owner === String(user.uid));
}

/**
 * The lowest range that overlaps nobody's, in both files.
 *
 * @returns Undefined when all are taken.
 */
export function freeRange(subuid: string, subgid: string): IdRange | undefined {
  const taken = [...ranges(subuid), ...ranges(subgid)].sort((one, other) =>
    one.first - other.first
  );
  let first = lowest;
  for (const range of taken) {
    if (range.first >= first + count) break;
    first = Math.max(first, range.last + 1);
  }
  const last = first + count - 1;
  return last > highest ? undefined : { first, last };
}

function owners(text: string): string[] {
  return text.split("\n").map((line) => line.split(":")[0] ?? "").filter((owner) => owner !== "");
}

function ranges(text: string): IdRange[] {
  return text.split("\n").flatMap((line) => {
    const [, first, length] = line.split(":").map(Number);
    if (first === undefined || length === undefined || !(first >= 0 && length > 0)) return [];
    return [{ first, last: first + length - 1 }];
  });
}
