/**
 * Tells of every file and folder that is synced to disk, whichever of Deno's two ways is taken.
 *
 * What a power cut would leave cannot be seen from within: that all was synced, and when, can.
 *
 * @module
 */

import { type FileHandle, open } from "node:fs/promises";

/** What is synced: what it holds then is what a power cut leaves. */
interface Synced {
  readonly isFolder: boolean;
  readonly bytes: number;
}

/** Tells before each sync, and waits for who is told; ends when it is disposed of. */
export async function watchSyncs(told: (synced: Synced) => unknown): Promise<Disposable> {
  const handle = await open("/");
  const ofNode: Pick<FileHandle, "sync"> = Object.getPrototypeOf(handle);
  await handle.close();
  const ofDeno = Deno.FsFile.prototype;
  const { sync: syncOfNode } = ofNode;
  const { sync: syncOfDeno } = ofDeno;
  ofNode.sync = async function (this: FileHandle) {
    const info = await this.stat();
    await told({ isFolder: info.isDirectory(), bytes: info.size });
    await syncOfNode.call(this);
  };
  ofDeno.sync = async function (this: Deno.FsFile) {
    const info = await this.stat();
    await told({ isFolder: info.isDirectory, bytes: info.size });
    await syncOfDeno.call(this);
  };
  return {
    [Symbol.dispose]() {
      ofNode.sync = syncOfNode;
      ofDeno.sync = syncOfDeno;
    },
  };
}
