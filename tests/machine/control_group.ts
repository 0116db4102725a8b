/**
 * The control group that a machine's first process takes for the root of them all.
 *
 * Only the second version of control groups is used, wherever it is mounted here: a machine sees a
 * pure second version even where this system mixes both.
 *
 * @module
 */

/** Groups that are not this machine's have other names; the rest is the throw-away's. */
const namePattern = /^mcp-[0-9a-f]{8}$/;

const patienceMs = 60_000;

/** Where the second version is mounted, if it is. */
export async function controlGroupsRoot(): Promise<string | undefined> {
  const mounts = await Deno.readTextFile("/proc/self/mounts");
  return mounts.split("\n").map((line) => line.split(" "))
    .find(([, , kind]) => kind === "cgroup2")?.[1];
}

/**
 * Makes an empty group and gives its path, after removing those whose machines died with their
 * makers: the groups of folders in `parent` that are there no more.
 */
export async function makeControlGroup(name: string, parent: string): Promise<string> {
  const root = await controlGroupsRoot();
  if (root === undefined) throw new Error("Cannot make a control group: cgroup2 is not mounted");
  await removeLeftOvers(root, parent);
  await Deno.mkdir(`${root}/${name}`);
  return `${root}/${name}`;
}

async function removeLeftOvers(root: string, parent: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(root)) {
    if (!isDirectory || !namePattern.test(name)) continue;
    const hasOwner = await Deno.stat(`${parent}/${name}`).then(() => true, () => false);
    // One with processes in it is no left-over, or not yet.
    if (!hasOwner) await removeTree(`${root}/${name}`).catch(() => {});
  }
}

/** Removes a group with those in it; their processes have ended, or are just ending. */
export async function removeControlGroup(path: string): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    try {
      await removeTree(path);
      return;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (Date.now() > giveUpAt) {
        throw new Error(`Cannot remove the control group ${path}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Folders only: the files in there are the kernel's, and go with their folder. */
async function removeTree(path: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory) await removeTree(`${path}/${name}`);
  }
  await Deno.remove(path);
}
