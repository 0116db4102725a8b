/**
 * What lies in the folders of a machine: kind, mode, owner, target and content of everything.
 *
 * @module
 */

import type { Machine } from "../machine/machine.ts";

/** A line for each file and folder, by its path. */
export type Listing = ReadonlyMap<string, string>;

/** Where an installation writes. */
export const installedFolders = ["/etc", "/usr/local", "/srv", "/var/lib", "/var/cache", "/home"];

/** Lists all of the folders, to be compared. */
export async function list(machine: Machine, folders = installedFolders): Promise<Listing> {
  const [entries, sums] = await Promise.all([
    machine.demand(["find", ...folders, "-printf", "%p\t%y %m %U:%G %l\n"]),
    machine.demand(["find", ...folders, "-type", "f", "-exec", "sha256sum", "{}", "+"]),
  ]);
  const contents = new Map(
    lines(sums).map((line) => [line.slice(66), line.slice(0, 64)]),
  );
  return new Map(
    lines(entries).map((line) => {
      const [path = "", facts = ""] = line.split("\t");
      return [path, `${facts} ${contents.get(path) ?? ""}`];
    }),
  );
}

/** What differs between two listings: `+ path`, `- path` or `~ path`, in order. */
export function differences(before: Listing, after: Listing): string[] {
  const gone = [...before.keys()].filter((path) => !after.has(path)).map((path) => `- ${path}`);
  const changed = [...after].flatMap(([path, facts]) => {
    const earlier = before.get(path);
    if (earlier === undefined) return [`+ ${path}`];
    return earlier === facts ? [] : [`~ ${path}`];
  });
  return [...gone, ...changed].sort((a, b) => a.slice(2).localeCompare(b.slice(2)));
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
