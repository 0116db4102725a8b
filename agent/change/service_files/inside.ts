/**
 * Proof that a path below a service's folder is what it seems, while somebody may be swapping
 * folders and symbolic links on it.
 *
 * Deno has no calls relative to an open folder, and hides /proc/self/fd from whoever has scoped
 * permissions: there are only paths, and between two looks at one path it can lead elsewhere and
 * back. What cannot be forged is a change time. Taking a name from a folder, or putting one into
 * it, changes that folder's; moving a folder changes its own. Where neither moved between two
 * looks, the folder stood under its name all the while, and what was seen between was inside.
 *
 * Deno tells change times in whole seconds. So only one that is at least a second past counts:
 * any change after it would show.
 *
 * @module
 */

import { type BigIntStats, lstatSync } from "node:fs";
import { McpError } from "../../../lib/errors.ts";
import type { Clock } from "../../../lib/system/clock.ts";

/** Whether a path is the folder, or lies below it. Both are absolute, and nothing is looked at. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** How coarse change times are, and how far the kernel's clock for them may lag behind ours. */
const settledMs = 1_000 + 20;
const waitMs = 1_100;
const attempts = 5;

/** A folder as it was at one look. */
interface Sight {
  readonly device: bigint;
  readonly inode: bigint;
  readonly isFolder: boolean;
  readonly changedAtMs: number;
}

/** What is looked at, and what is then done. */
interface HeldWork<Seen, Done> {
  /** A service's folder by its real path; its own name is not for a container to change. */
  readonly home: string;
  /** `home`, or a folder below it by its real path. */
  readonly folder: string;
  readonly clock: Clock;
  /** What this sees under a path in `folder` is believed. Throws to refuse. */
  readonly look: () => Seen;
  /** Done at once after that; nothing but a change within these very microseconds goes unnoticed. */
  readonly act: (seen: Seen) => Done;
}

/**
 * Looks while every folder from `home` to `folder` stays what it is, then acts.
 *
 * Waits where something has only just changed, a few times at most.
 *
 * @throws {McpError} `conflict` when the folders keep being moved.
 */
export async function whileHeld<Seen, Done>(
  verb: string,
  work: HeldWork<Seen, Done>,
): Promise<Done> {
  const folders = foldersOnTheWay(work.home, work.folder);
  let earlier:
    | { readonly atMs: number; readonly sights: readonly (Sight | undefined)[] }
    | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await work.clock.sleep(waitMs);
    const nowMs = work.clock.now().getTime();
    const before = folders.map(lookAt);
    const { atMs = Infinity, sights = [] } = earlier ?? {};
    const settled = before.map((sight, at) =>
      sight !== undefined && (sight.changedAtMs + settledMs <= nowMs ||
        // Its time may lie ahead, where the clock was set back.
        (atMs + settledMs <= nowMs && isUnchanged(sight, sights[at])))
    );
    earlier = { atMs: nowMs, sights: before };
    const mayHold = folders.every((_, at) => at === 0 || settled[at - 1] || settled[at]);
    if (!mayHold) continue;
    const seen = work.look();
    // From the innermost outwards: what a folder is seen under must hold until it is seen.
    const after = folders.toReversed().map(lookAt).toReversed();
    const held = folders.map((_, at) => settled[at] && isUnchanged(before[at], after[at]));
    const isHeld = folders.every((_, at) =>
      isSameFolder(before[at], after[at]) && (at === 0 || held[at - 1] || held[at])
    );
    if (isHeld) return work.act(seen);
  }
  throw new McpError("conflict", `Cannot ${verb}: folders on its path keep being moved`, {
    hint: "Try again; something on the node keeps renaming them, or links in their place",
  });
}

function foldersOnTheWay(home: string, folder: string): string[] {
  const parts = folder.slice(home.length + 1).split("/").filter((part) => part !== "");
  return [home, ...parts.map((_, at) => `${home}/${parts.slice(0, at + 1).join("/")}`)];
}

function lookAt(path: string): Sight | undefined {
  let info: BigIntStats;
  try {
    info = lstatSync(path, { bigint: true });
  } catch {
    // Gone, or below something that is no folder any more: either way it was moved.
    return undefined;
  }
  return {
    device: info.dev,
    inode: info.ino,
    isFolder: info.isDirectory(),
    changedAtMs: Number(info.ctimeMs),
  };
}

function isSameFolder(one: Sight | undefined, other: Sight | undefined): boolean {
  return one !== undefined && other !== undefined && one.isFolder && other.isFolder &&
    one.inode === other.inode && one.device === other.device;
}

function isUnchanged(one: Sight | undefined, other: Sight | undefined): boolean {
  return isSameFolder(one, other) && one?.changedAtMs === other?.changedAtMs;
}
