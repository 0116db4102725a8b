/**
 * Reads and writes single files below /srv/<service>/, and never leaves it.
 *
 * Containers own parts of that tree and may plant symbolic links, or swap them in
 * while a transfer runs; Deno resolves a path before it opens it, so that
 * O_NOFOLLOW is no help. Therefore: open first, without waiting (a FIFO must
 * not hang), then ask what was really opened. It counts only when it is a regular
 * file with a single name, and when its real path lies inside the service's real
 * folder and is that very file. No content is read or written before.
 *
 * A file is written under a temporary name in its own folder, with its mode set
 * before its content, synced, and renamed: nothing partial is ever visible.
 *
 * @module
 */

import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, realpath, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { McpError } from "../../lib/errors.ts";
import type { ServicePath } from "./resolve.ts";

/** The largest file that is moved, in bytes. */
export const maxFileBytes = 4 * 1024 * 1024;

/** What every transfer needs to know. */
export interface TransferOptions {
  /** The folder that holds one folder per service. */
  readonly serviceRoot: string;
  /** Folders of the agent itself (registry, keys, config): no service's folder may hold them. */
  readonly ownFolders: readonly string[];
}

/** A file's content and its permission bits. */
export interface TransferredFile {
  readonly content: Uint8Array;
  readonly mode: number;
}

/**
 * Reads one file.
 *
 * @throws {McpError} `not_found` when there is none, `invalid` when it is not a regular file of
 *   the service or too large, `unavailable` when it cannot be read.
 */
export async function pullFile(
  target: ServicePath,
  options: TransferOptions,
): Promise<TransferredFile> {
  const shown = show(target);
  const home = await requireHome(`read ${shown}`, target, options);
  const path = `${home}/${target.parts.join("/")}`;
  const file = await opened(
    `read ${shown}`,
    () => open(path, constants.O_RDONLY | constants.O_NONBLOCK),
  );
  try {
    const info = await requireInside(`read ${shown}`, file, path, home);
    if (info.size > BigInt(maxFileBytes)) throw tooLarge(`read ${shown}`, Number(info.size));
    const content = await readAll(file);
    // It may have grown since it was measured.
    if (content.byteLength > maxFileBytes) throw tooLarge(`read ${shown}`, content.byteLength);
    return { content, mode: Number(info.mode & 0o777n) };
  } finally {
    await file.close();
  }
}

/**
 * Writes one file, making the folders on the way.
 *
 * @param file.mode Permission bits; 0 = 0644.
 * @throws {McpError} `invalid` when the path leads out of the service's folder, when something
 *   that is not a regular file is in its place, or for setuid, setgid and sticky bits;
 *   `unavailable` when it cannot be written.
 */
export async function pushFile(
  target: ServicePath,
  file: TransferredFile,
  options: TransferOptions,
): Promise<void> {
  const shown = show(target);
  const verb = `write ${shown}`;
  if (file.content.byteLength > maxFileBytes) throw tooLarge(verb, file.content.byteLength);
  if ((file.mode & ~0o777) !== 0) {
    throw new McpError(
      "invalid",
      `Cannot ${verb}: the mode 0${file.mode.toString(8)} has more than permission bits`,
      { hint: "setuid, setgid and sticky files are not pushed" },
    );
  }
  const mode = file.mode === 0 ? 0o644 : file.mode;
  await makeFolder(verb, `${options.serviceRoot}/${target.service}`);
  const home = await requireHome(verb, target, options);
  const folder = await makeFolders(verb, home, target.parts.slice(0, -1));
  const path = await requireReplaceable(verb, `${folder}/${target.parts.at(-1)}`, home);

  const temporary = `${dirname(path)}/.mcp-push-${crypto.randomUUID()}`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NONBLOCK;
  const handle = await opened(verb, () => open(temporary, flags, 0o600));
  try {
    try {
      await requireInside(verb, handle, temporary, home);
      await handle.chmod(mode);
      await handle.writeFile(file.content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {
      // The folder was swapped away under it, or there is nothing left: what is told is why.
    });
    throw asRefusal(verb, error);
  }
  await syncFolder(dirname(path));
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
  { serviceRoot, ownFolders }: TransferOptions,
): Promise<string> {
  const home = `${await opened(verb, () => realpath(serviceRoot))}/${service}`;
  if (ownFolders.some((own) => isWithin(own, home))) {
    throw new McpError("forbidden", `Cannot ${verb}: the agent keeps its own files in ${home}`);
  }
  if (await opened(verb, () => realpath(home)) !== home) {
    throw new McpError("invalid", `Cannot ${verb}: ${home} is a symbolic link`);
  }
  return home;
}

/** Makes the folders below `home`, following links only where they stay inside; the last one's real path. */
async function makeFolders(
  verb: string,
  home: string,
  parts: readonly string[],
): Promise<string> {
  let folder = home;
  for (const part of parts) {
    const next = `${folder}/${part}`;
    await makeFolder(verb, next);
    folder = await opened(verb, () => realpath(next));
    if (!isWithin(folder, home)) throw leaves(verb, next, home);
    if (!(await opened(verb, () => lstat(folder))).isDirectory()) {
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
  let info;
  try {
    info = await lstat(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return path;
    throw asRefusal(verb, error);
  }
  if (info.isSymbolicLink()) {
    const real = await opened(verb, () => realpath(path));
    if (!isWithin(real, home)) throw leaves(verb, path, home);
    return await requireReplaceable(verb, real, home);
  }
  if (info.isFile()) return path;
  throw new McpError("invalid", `Cannot ${verb}: ${kindOf(info)} is in its place`);
}

/**
 * What was really opened, when it is a regular file that belongs to the service.
 *
 * The real path is asked after opening and compared by device and inode: a link
 * that was swapped in between makes the two differ, and a file outside can only
 * be the same as one inside under a second name, which is refused.
 */
async function requireInside(verb: string, file: FileHandle, path: string, home: string) {
  const info = await file.stat({ bigint: true });
  if (!info.isFile()) {
    throw new McpError("invalid", `Cannot ${verb}: it is ${kindOf(info)}, not a regular file`);
  }
  if (info.nlink !== 1n) {
    throw new McpError("invalid", `Cannot ${verb}: it has ${info.nlink} names (hard links)`);
  }
  const real = await opened(verb, () => realpath(path));
  if (!isWithin(real, home)) throw leaves(verb, path, home);
  const found = await opened(verb, () => lstat(real, { bigint: true }));
  if (found.ino !== info.ino || found.dev !== info.dev) {
    throw new McpError("conflict", `Cannot ${verb}: it was exchanged while it was opened`, {
      hint: "Try again; something on the node keeps replacing it",
    });
  }
  return info;
}

async function readAll(file: FileHandle): Promise<Uint8Array> {
  const buffer = new Uint8Array(maxFileBytes + 1);
  let length = 0;
  while (length < buffer.byteLength) {
    const { bytesRead } = await file.read(buffer, length, buffer.byteLength - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.slice(0, length);
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

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function leaves(verb: string, path: string, home: string): McpError {
  return new McpError("invalid", `Cannot ${verb}: ${path} leads out of ${home}`);
}

interface FileKind {
  isDirectory(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
  isBlockDevice(): boolean;
  isCharacterDevice(): boolean;
}

function kindOf(info: FileKind): string {
  if (info.isDirectory()) return "a folder";
  if (info.isFIFO()) return "a FIFO";
  if (info.isSocket()) return "a socket";
  if (info.isBlockDevice() || info.isCharacterDevice()) return "a device";
  return "something else";
}

async function opened<T>(verb: string, act: () => Promise<T>): Promise<T> {
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
    case "EACCES":
    case "EPERM":
      return new McpError("forbidden", `${message}: the agent's user may not`, {
        cause: error,
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
