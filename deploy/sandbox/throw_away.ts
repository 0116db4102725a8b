/**
 * A directory that is gone afterwards, whatever happens to the process that made it.
 *
 * While its owner lives, it holds a lock on the file `owner` in it; the kernel lets go of that lock
 * when the owner dies in any way. So a directory whose lock can be had is a left-over, and no
 * process number has to be remembered or trusted.
 *
 * @module
 */

/** A directory of this process's own; disposing of it removes it. */
export interface ThrowAway extends AsyncDisposable {
  readonly path: string;
}

/**
 * Where they are made. On a real file system, unlike /tmp at times: containers are stored in some
 * of them, and rootless overlay storage can sit neither on an overlay nor in little memory.
 */
export const parentDirectory = "/var/tmp";

/** A directory without a lock may be one that is just being made. */
const makingTakesAtMostMs = 60_000;

const namePattern = /^mcp-[0-9a-f]{8}$/;

/** Makes the directory, after removing what dead owners left. */
export async function makeThrowAway(): Promise<ThrowAway> {
  await removeLeftOvers(parentDirectory);
  const path = `${parentDirectory}/mcp-${crypto.randomUUID().slice(0, 8)}`;
  await Deno.mkdir(path, { mode: 0o700 });
  const owner = await Deno.open(`${path}/owner`, { createNew: true, write: true });
  await owner.lock(true);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await remove(path);
      owner.close();
    },
  };
}

async function removeLeftOvers(parent: string): Promise<void> {
  for await (const entry of Deno.readDir(parent)) {
    if (!entry.isDirectory || !namePattern.test(entry.name)) continue;
    const path = `${parent}/${entry.name}`;
    if (await isLeftOver(path)) await remove(path);
  }
}

async function isLeftOver(path: string): Promise<boolean> {
  try {
    const directory = await Deno.lstat(path);
    // Everyone may write into /var/tmp; only what is our own is ours to remove.
    if (directory.uid !== Deno.uid()) return false;
    try {
      using owner = await Deno.open(`${path}/owner`, { write: true });
      return await owner.tryLock(true);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return Date.now() - (directory.mtime?.getTime() ?? 0) > makingTakesAtMostMs;
    }
  } catch (error) {
    // Its owner, or another start, removed it in the meantime.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Tries a few times: processes of a sandbox that was just killed may still be writing. */
async function remove(path: string): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      await Deno.remove(path, { recursive: true });
      return;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (attempt === 10) {
        throw new Error(`Cannot remove ${path}. Run as root: rm -rf ${path}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
