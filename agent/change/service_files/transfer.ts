/**
 * Reads and writes single files below /srv/<service>/, and never leaves it.
 *
 * Containers own parts of that tree and may plant symbolic links, or swap them in
 * while a transfer runs; Deno resolves a path before it opens it, so that
 * O_NOFOLLOW is no help. Therefore: open first, without waiting (a FIFO must
 * not hang), then ask what was really opened. It counts only when it is a regular
 * file with a single name, and that name is proved to lie in the service's real
 * folder (`inside.ts`). No content is read or written before.
 *
 * A file is written under a temporary name in its own folder, with its mode set
 * before its content, synced, and renamed: nothing partial is ever visible. What a
 * killed agent left under such a name goes with the next push into that folder.
 *
 * What a race can still do: whoever exchanges a folder within the very call that
 * renames, or that makes a folder or an empty temporary file, after more than a
 * second without a move, has that one name appear in a folder of his choice.
 *
 * @module
 */

import { type BigIntStats, constants, lstatSync, renameSync } from "node:fs";
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  stat,
  unlink,
} from "node:fs/promises";
import { dirname } from "node:path";
import { maxFileBytes } from "../../../lib/domain/file_size.ts";
import { McpError } from "../../../lib/errors.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import { isWithin, whileHeld } from "./inside.ts";
import { type ServicePath, temporaryPrefix } from "./resolve.ts";

export interface TransferOptions {
  /** The folder that holds one folder per service. */
  readonly serviceRoot: string;
  /** Folders of the agent itself (registry, keys, config): no service's folder may hold them. */
  readonly ownFolders: readonly string[];
  readonly clock: Clock;
}

/** A file's content and its permission bits. */
export interface TransferredFile {
  readonly content: Uint8Array;
  readonly mode: number;
}

/** What the file system says of a file. */
export interface FileFacts {
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
  /** When its content and its entry last changed, in milliseconds since 1970. */
  readonly modifiedMs: number;
  readonly changedMs: number;
}

/** Temporary files of pushes that are running; others of their kind are left over. */
const underWay = new Set<string>();

/**
 * Reads one file.
 *
 * @throws {McpError} `not_found` when there is none, `invalid` when it is not a regular file of
 *   the service or too large, `conflict` when the agent's user may not read it or it keeps being
 *   exchanged, `unavailable` when it cannot be read.
 */
export async function pullFile(
  target: ServicePath,
  options: TransferOptions,
): Promise<TransferredFile & { readonly facts: FileFacts }> {
  const verb = `read ${show(target)}`;
  const home = await requireHome(verb, target, options);
  const path = await asked(verb, () => realpath(`${home}/${target.parts.join("/")}`));
  if (!isWithin(path, home)) throw leaves(verb, path, home);
  // A device is not even opened, unless it is swapped in now.
  requireRegular(verb, await asked(verb, () => lstat(path)));
  const file = await asked(verb, () => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const info = await requireInside(verb, file, { path, home, clock: options.clock });
    if (info.nlink !== 1n) {
      throw new McpError("invalid", `Cannot ${verb}: it has ${info.nlink} names (hard links)`);
    }
    if (info.size > BigInt(maxFileBytes)) throw tooLarge(verb, Number(info.size));
    const content = await asked(verb, () => readAll(file, Number(info.size)));
    // It may have grown since it was measured.
    if (content.byteLength > maxFileBytes) throw tooLarge(verb, content.byteLength);
    return { content, mode: Number(info.mode & 0o777n), facts: factsOf(info) };
  } finally {
    await file.close();
  }
}

/**
 * Writes one file, making the folders on the way.
 *
 * @param file.mode Permission bits; 0 = 0644.
 * @returns What the file system says of it now.
 * @throws {McpError} `invalid` when the path leads out of the service's folder, when something
 *   that is not a regular file is in its place, or for setuid, setgid and sticky bits; `conflict`
 *   when the agent's user may not write there or folders keep being exchanged; `unavailable` when
 *   it cannot be written.
 */
export async function pushFile(
  target: ServicePath,
  file: TransferredFile,
  options: TransferOptions,
): Promise<FileFacts> {
  const verb = `write ${show(target)}`;
  if (file.content.byteLength > maxFileBytes) throw tooLarge(verb, file.content.byteLength);
  if ((file.mode & ~0o777) !== 0) {
    throw new McpError(
      "invalid",
      `Cannot ${verb}: the mode 0${file.mode.toString(8)} has more than permission bits`,
      { hint: "setuid, setgid and sticky files are not pushed" },
    );
  }
  const mode = file.mode === 0 ? 0o644 : file.mode;
  const { clock } = options;
  requireNotOwn(
    verb,
    `${await asked(verb, () => realpath(options.serviceRoot))}/${target.service}`,
    options,
  );
  await makeFolder(verb, `${options.serviceRoot}/${target.service}`);
  const home = await requireHome(verb, target, options);
  const made = await makeFolders(verb, { home, parts: target.parts.slice(0, -1), clock });
  const path = await requireReplaceable(verb, `${made}/${target.parts.at(-1)}`, home);
  const folder = dirname(path);
  await whileHeld(verb, { home, folder, clock, look: () => {}, act: () => {} });
  await removeLeftovers(verb, folder);

  const temporary = `${folder}/${temporaryPrefix}${crypto.randomUUID()}`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NONBLOCK;
  underWay.add(temporary);
  let written: BigIntStats;
  try {
    const handle = await asked(verb, () => open(temporary, flags, 0o600));
    try {
      const { ino, dev } = await requireInside(verb, handle, { path: temporary, home, clock });
      await handle.chmod(mode);
      await handle.writeFile(file.content);
      await handle.sync();
      written = await whileHeld(verb, {
        home,
        folder,
        clock,
        look: () => requireSame(verb, { ino, dev }, temporary),
        act: () => {
          renameSync(temporary, path);
          return requireSame(verb, { ino, dev }, path);
        },
      });
    } finally {
      await handle.close();
    }
  } catch (error) {
    await unlink(temporary).catch(() => {
      // The folder was swapped away under it, or there is nothing left: what is told is why.
    });
    throw asRefusal(verb, error);
  } finally {
    underWay.delete(temporary);
  }
  await asked(verb, () => syncFolder(folder));
  return factsOf(written);
}

/**
 * What the file system says of a file, without opening it; undefined when there is none.
 *
 * Nothing is proved of where it lies: it tells no content, and decides nothing but whether to read.
 *
 * @throws {McpError} `invalid` when it is no regular file, `conflict` when it cannot be looked at.
 */
export async function lookAtFile(
  target: ServicePath,
  options: Pick<TransferOptions, "serviceRoot">,
): Promise<FileFacts | undefined> {
  const verb = `look at ${show(target)}`;
  const path = `${options.serviceRoot}/${target.service}/${target.parts.join("/")}`;
  try {
    const info = await asked(verb, () => stat(path, { bigint: true }));
    requireRegular(verb, info);
    return factsOf(info);
  } catch (error) {
    if (error instanceof McpError && error.kind === "not_found") return undefined;
    throw error;
  }
}

function factsOf(info: BigIntStats): FileFacts {
  return {
    mode: Number(info.mode & 0o777n),
    size: Number(info.size),
    modifiedMs: Number(info.mtimeMs),
    changedMs: Number(info.ctimeMs),
  };
}

function show({ service, parts }: ServicePath): string {
  return `${service}:${parts.join("/")}`;
}

function tooLarge(verb: string, bytes: number): McpError {
  return new McpError(
    "invalid",
    `Cannot ${verb}: it has ${bytes} bytes, and ${maxFileBytes} (4 MiB) is the limit`,
  );
}

/** The service's folder by its real path: no link itself, and none of the agent's own. */
async function requireHome(
  verb: string,
  { service }: ServicePath,
  options: TransferOptions,
): Promise<string> {
  const home = `${await asked(verb, () => realpath(options.serviceRoot))}/${service}`;
  requireNotOwn(verb, home, options);
  if (await asked(verb, () => realpath(home)) !== home) {
    throw new McpError("invalid", `Cannot ${verb}: ${home} is a symbolic link`);
  }
  if (!(await asked(verb, () => lstat(home))).isDirectory()) {
    throw new McpError("invalid", `Cannot ${verb}: ${home} is not a folder`);
  }
  return home;
}

function requireNotOwn(verb: string, home: string, { ownFolders }: TransferOptions): void {
  if (!ownFolders.some((own) => isWithin(own, home))) return;
  throw new McpError("invalid", `Cannot ${verb}: the agent keeps its own files in ${home}`);
}

/** Makes the folders below `home`, following links only where they stay inside; the last one's real path. */
async function makeFolders(
  verb: string,
  { home, parts, clock }: {
    readonly home: string;
    readonly parts: readonly string[];
    readonly clock: Clock;
  },
): Promise<string> {
  let folder = home;
  let isNew = false;
  for (const part of parts) {
    const next = `${folder}/${part}`;
    if (await kindAt(verb, next) === undefined) {
      // Once: those that are made here have only just changed, and each would have to be waited for.
      if (!isNew) await whileHeld(verb, { home, folder, clock, look: () => {}, act: () => {} });
      isNew = true;
      await makeFolder(verb, next);
    }
    folder = await asked(verb, () => realpath(next));
    if (!isWithin(folder, home)) throw leaves(verb, next, home);
    if (await kindAt(verb, folder) !== "a folder") {
      throw new McpError("invalid", `Cannot ${verb}: ${next} is not a folder`);
    }
  }
  return folder;
}

async function makeFolder(verb: string, path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o755 });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw asRefusal(verb, error);
  }
}

/** Where the file is to go: a link that stays inside is written through, as an editor would. */
async function requireReplaceable(verb: string, path: string, home: string): Promise<string> {
  const kind = await kindAt(verb, path);
  if (kind === undefined || kind === "a regular file") return path;
  if (kind !== "a symbolic link") {
    throw new McpError("invalid", `Cannot ${verb}: ${kind} is in its place`);
  }
  const real = await asked(verb, () => realpath(path));
  if (!isWithin(real, home)) throw leaves(verb, path, home);
  return await requireReplaceable(verb, real, home);
}

/** Removes what pushes left here that were killed before they were done. */
async function removeLeftovers(verb: string, folder: string): Promise<void> {
  for (const name of await asked(verb, () => readdir(folder))) {
    const path = `${folder}/${name}`;
    if (!name.startsWith(temporaryPrefix) || underWay.has(path)) continue;
    await unlink(path).catch(() => {
      // A folder of that name, or gone by now: it is not in the way of this push.
    });
  }
}

/** What is open, when it is a regular file that has a name in the service's folder. */
async function requireInside(
  verb: string,
  file: FileHandle,
  { path, home, clock }: {
    readonly path: string;
    readonly home: string;
    readonly clock: Clock;
  },
): Promise<BigIntStats> {
  const info = await asked(verb, () => file.stat({ bigint: true }));
  requireRegular(verb, info);
  return await whileHeld(verb, {
    home,
    folder: dirname(path),
    clock,
    look: () => requireSame(verb, info, path),
    act: (seen) => seen,
  });
}

/** What has this name, when it is the very file that is meant. */
function requireSame(
  verb: string,
  { ino, dev }: { readonly ino: bigint; readonly dev: bigint },
  path: string,
): BigIntStats {
  let found: BigIntStats;
  try {
    found = lstatSync(path, { bigint: true });
  } catch (error) {
    throw asRefusal(verb, error);
  }
  if (found.ino === ino && found.dev === dev) return found;
  throw new McpError("conflict", `Cannot ${verb}: it was exchanged meanwhile`, {
    hint: "Try again; something on the node keeps replacing it",
  });
}

function requireRegular(verb: string, info: FileKind): void {
  if (info.isFile()) return;
  throw new McpError("invalid", `Cannot ${verb}: it is ${kindOf(info)}, not a regular file`);
}

/** All that there is to read, and of a file that has grown no more than shows that it is too large. */
async function readAll(file: FileHandle, size: number): Promise<Uint8Array> {
  // One more, so that the end is met before there is no room.
  let buffer = new Uint8Array(size + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.byteLength - length, length);
    length += bytesRead;
    if (bytesRead === 0 || length > maxFileBytes) return buffer.subarray(0, length);
    if (length < buffer.byteLength) continue;
    const larger = new Uint8Array(Math.min(2 * length, maxFileBytes + 1));
    larger.set(buffer);
    buffer = larger;
  }
}

/** The new name is on disk before the push is acknowledged. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function leaves(verb: string, path: string, home: string): McpError {
  return new McpError("invalid", `Cannot ${verb}: ${path} leads out of ${home}`);
}

/** What has this name; undefined when nothing has. */
async function kindAt(verb: string, path: string): Promise<string | undefined> {
  try {
    return kindOf(await lstat(path));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw asRefusal(verb, error);
  }
}

interface FileKind {
  isFile(): boolean;
  isSymbolicLink(): boolean;
  isDirectory(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
  isBlockDevice(): boolean;
  isCharacterDevice(): boolean;
}

function kindOf(info: FileKind): string {
  if (info.isFile()) return "a regular file";
  if (info.isSymbolicLink()) return "a symbolic link";
  if (info.isDirectory()) return "a folder";
  if (info.isFIFO()) return "a FIFO";
  if (info.isSocket()) return "a socket";
  if (info.isBlockDevice() || info.isCharacterDevice()) return "a device";
  return "something else";
}

async function asked<T>(verb: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw asRefusal(verb, error);
  }
}

/** The operating system's word in our kinds. */
function asRefusal(verb: string, error: unknown): McpError {
  if (error instanceof McpError) return error;
  const message = `Cannot ${verb}`;
  switch (codeOf(error)) {
    case "ENOENT":
      return new McpError("not_found", `${message}: there is no such file`);
    case "ENOTDIR":
      return new McpError("invalid", `${message}: a part of its path is not a folder`);
    case "ELOOP":
      return new McpError("invalid", `${message}: its symbolic links go round in circles`);
    // A socket cannot be opened, and a device may have no driver.
    case "ENXIO":
    case "ENODEV":
      return new McpError("invalid", `${message}: it is a socket or a device`);
    case "EISDIR":
      return new McpError("invalid", `${message}: it is a folder`);
    case "ENAMETOOLONG":
      return new McpError("invalid", `${message}: its path is too long`);
    case "EACCES":
    case "EPERM":
      return new McpError("conflict", `${message}: the agent's user has no permission to`, {
        hint: "A container of another user may own it: look at its owner and mode on the node",
      });
    case "ENOSPC":
    case "EDQUOT":
      return new McpError("unavailable", `${message}: the disk is full; nothing was changed`);
    default:
      return new McpError("unavailable", message, { cause: error });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? (error as { code?: unknown }).code : undefined;
}
