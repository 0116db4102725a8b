/**
 * Files that belong to root: written whole, on disk before they have their name, open to be read.
 *
 * @module
 */

import { dirname } from "node:path";
import { McpError } from "../../../lib/errors.ts";
import type { Machine } from "./machine.ts";

/** Writes a file for everybody to read, and the folders on the way. */
export async function writeRootFile(
  machine: Machine,
  path: string,
  text: string,
): Promise<void> {
  await makeFolder(dirname(path));
  await requireNoLinks(machine, dirname(path));
  // A link in its place would be followed.
  await removeLink(path);
  await machine.files.writeText(path, text, { mode: 0o644 });
}

/**
 * Refuses a path that leads elsewhere than it says, where others than root may make links.
 *
 * What belongs to the agent's user could otherwise lead root's hand out of it.
 */
export async function requireNoLinks({ layout }: Machine, folder: string): Promise<void> {
  const trees = [layout.home, layout.serviceRoot];
  if (!trees.some((tree) => folder === tree || folder.startsWith(`${tree}/`))) return;
  let real: string;
  try {
    real = await Deno.realPath(folder);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw new McpError("unavailable", `Cannot look at ${folder}`, { cause: error });
  }
  if (real === folder) return;
  throw new McpError("conflict", `Cannot use ${folder}: it leads to ${real}`, {
    hint: "Replace the link by a folder",
  });
}

/** Copies an unpacked program; it has its name only when all of it is on disk. */
export async function copyRuntime(from: string, to: string): Promise<void> {
  await orFail(`copy the program to ${to}`, async () => {
    await makeFolder(dirname(to));
    const temporary = `${to}.new`;
    // What an earlier run has left that was cut short.
    await Deno.remove(temporary, { recursive: true }).catch(ignoreAbsent);
    await copyFolder(from, temporary);
    await Deno.rename(temporary, to);
    await syncFolder(dirname(to));
  });
}

/** Puts a program into the place of another one, which is kept if it is given a name for that. */
export async function replaceExecutable(
  { from, to, previous }: {
    readonly from: string;
    readonly to: string;
    readonly previous: string | undefined;
  },
): Promise<void> {
  await orFail(`put the program into ${to}`, async () => {
    await makeFolder(dirname(to));
    const temporary = `${to}.new`;
    await copyFile(from, temporary, 0o755);
    if (previous !== undefined) await keepAs(to, previous);
    await Deno.rename(temporary, to);
    await syncFolder(dirname(to));
  });
}

/** A second name for it: the program is there at every instant. */
async function keepAs(path: string, name: string): Promise<void> {
  const temporary = `${name}.new`;
  await Deno.remove(temporary).catch(ignoreAbsent);
  const isThere = await Deno.link(path, temporary).then(() => true, ignoreAbsent);
  if (isThere === true) await Deno.rename(temporary, name);
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else if (isFile) {
      const isProgram = (((await Deno.stat(`${from}/${name}`)).mode ?? 0) & 0o100) !== 0;
      await copyFile(`${from}/${name}`, `${to}/${name}`, isProgram ? 0o755 : 0o644);
    }
  }
  // Whatever the umask is: everybody may run it, and nobody but root change it.
  await Deno.chmod(to, 0o755);
  await syncFolder(to);
}

async function copyFile(from: string, to: string, mode: number): Promise<void> {
  await Deno.remove(to).catch(ignoreAbsent);
  await Deno.copyFile(from, to);
  await Deno.chmod(to, mode);
  using file = await Deno.open(to, { read: true });
  await file.sync();
}

async function makeFolder(path: string): Promise<void> {
  if (await Deno.stat(path).then((info) => info.isDirectory, () => false)) return;
  await makeFolder(dirname(path));
  await Deno.mkdir(path).catch((error) => {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  });
  await Deno.chmod(path, 0o755);
}

async function removeLink(path: string): Promise<void> {
  const info = await Deno.lstat(path).catch(ignoreAbsent);
  if (info?.isSymlink === true) await Deno.remove(path);
}

/** The names in a folder are on disk afterwards. */
async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path, { read: true });
  await folder.sync();
}

function ignoreAbsent(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw error;
}

async function orFail(verb: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw new McpError("unavailable", `Cannot ${verb}`, {
      cause: error,
      hint: "Look at `df -h`, then run the same command again",
    });
  }
}
