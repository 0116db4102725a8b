/**
 * Chooses who the sandbox's user is: a uid, a gid and ranges of subordinate ids nobody here has.
 *
 * Only decides; the answer is written into copies of the account files that nobody outside the
 * sandbox sees. Accounts that come from elsewhere than these files (LDAP) are not considered.
 *
 * @module
 */

/** The sandbox's user. */
export interface Identity {
  readonly name: string;
  /** User and group have the same number. */
  readonly id: number;
  readonly subordinateStart: number;
}

/** The texts of the four account files of /etc. */
export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
  readonly subuid: string;
  readonly subgid: string;
}

/** What images and user namespaces expect: as many ids as an ordinary system has. */
const subordinateCount = 65_536;

/** Near the end of the range that Debian hands out to people, which starts at 1000. */
const firstId = 59_000;
const idCount = 999;

/**
 * Chooses the user for one sandbox.
 *
 * @param accounts What is taken.
 * @param slot Any whole number; different ones keep sandboxes of the same moment apart.
 */
export function chooseIdentity(accounts: AccountFiles, slot: number): Identity {
  const taken = new Set(
    `${accounts.passwd}\n${accounts.group}`.split("\n").map((line) => Number(line.split(":")[2])),
  );
  const offsets = Array.from({ length: idCount }, (_, index) => (slot + index) % idCount);
  const offset = offsets.find((candidate) => !taken.has(firstId + candidate));
  if (offset === undefined) {
    throw new Error(
      `Cannot choose a user for the sandbox: ${firstId} to ${
        firstId + idCount - 1
      } are all taken ` +
        "in /etc/passwd and /etc/group. Remove one with `userdel` or `groupdel`",
    );
  }
  const ends = `${accounts.subuid}\n${accounts.subgid}`.split("\n").map((line) => {
    const [, start, count] = line.split(":");
    return Number(start) + Number(count);
  });
  const base = Math.max(6_200_000, ...ends.filter(Number.isFinite));
  return { name: "mcp", id: firstId + offset, subordinateStart: base + offset * subordinateCount };
}

/** The same files with that user in them. An `mcp` that is there already is left out. */
export function withIdentity(accounts: AccountFiles, identity: Identity, home: string) {
  const { name, id, subordinateStart } = identity;
  const subordinate = `${name}:${subordinateStart}:${subordinateCount}`;
  return {
    passwd: replaceLine(accounts.passwd, name, `${name}:x:${id}:${id}::${home}:/usr/sbin/nologin`),
    group: replaceLine(accounts.group, name, `${name}:x:${id}:`),
    subuid: replaceLine(accounts.subuid, name, subordinate),
    subgid: replaceLine(accounts.subgid, name, subordinate),
  } satisfies AccountFiles;
}

function replaceLine(text: string, name: string, line: string): string {
  const others = text.split("\n").filter((old) => old !== "" && !old.startsWith(`${name}:`));
  return [...others, line, ""].join("\n");
}
