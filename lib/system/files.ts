/**
 * Files by name: reading, and writing so that nothing partial is ever visible.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { McpError } from "../errors.ts";

/** The file operations the rest of the house asks for. */
export interface Files {
  /** The text, or undefined when there is no such file. */
  readText(path: string): Promise<string | undefined>;
  /**
   * Replaces the file in one step, creating folders on the way.
   *
   * The mode is set before any content is written, and the content is on disk
   * before the name points to it. A symlink stays one: what it points to is
   * replaced, wherever the operator keeps it.
   */
  writeText(path: string, text: string, options: { readonly mode: number }): Promise<void>;
  /** Permission bits, or undefined when there is no such file. */
  mode(path: string): Promise<number | undefined>;
  /** Names in a folder, sorted; empty when there is no such folder. */
  list(path: string): Promise<string[]>;
  /** Removes a file; whether there was one. */
  remove(path: string): Promise<boolean>;
}

/** What a name stands for, with symlinks followed. */
type FileKind = "file" | "folder" | "other";

/** Moving whole files, whatever they hold. */
export interface FileContents {
  /** Undefined when there is nothing of that name. */
  kind(path: string): Promise<FileKind | undefined>;
  /**
   * Content and permission bits of a regular file, or undefined when there is no such file.
   *
   * @throws {McpError} `invalid` when it is no regular file, or holds more than `maxBytes`.
   */
  readFile(
    path: string,
    options: { readonly maxBytes: number },
  ): Promise<{ readonly content: Uint8Array; readonly mode: number } | undefined>;
  /** Replaces the file in one step, as {@link Files.writeText} does. */
  writeFile(path: string, content: Uint8Array, options: { readonly mode: number }): Promise<void>;
}

/** Keeping other processes of ours out, for a moment. */
export interface FileLocks {
  /**
   * Takes the lock of that name, a file that is created for it and stays. It ends
   * with what is returned, and with the process at the latest.
   *
   * @returns Undefined when another holds it.
   */
  tryLock(path: string): Promise<Disposable | undefined>;
}

/** {@link Files}, {@link FileContents} and {@link FileLocks} by Deno. */
export const realFiles: Files & FileContents & FileLocks = {
  async readText(path) {
    return await orWhenAbsent(undefined, "read", path, () => Deno.readTextFile(path));
  },

  async writeText(path, text, options) {
    await realFiles.writeFile(path, new TextEncoder().encode(text), options);
  },

  async writeFile(path, content, { mode }) {
    const target = await orWhenAbsent(path, "write", path, () => Deno.realPath(path));
    const folder = dirname(target);
    const temporary = join(folder, `.mcp-${crypto.randomUUID()}`);
    try {
      await Deno.mkdir(folder, { recursive: true, mode: 0o755 });
      const file = await Deno.open(temporary, { write: true, createNew: true, mode });
      try {
        // The umask may have taken bits from the mode of creation.
        await Deno.chmod(temporary, mode);
        for (let at = 0; at < content.byteLength;) at += await file.write(content.subarray(at));
        await file.sync();
      } finally {
        file.close();
      }
      await Deno.rename(temporary, target);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {
        // Nothing was created, or it has its final name: nothing to tidy up.
      });
      throw new McpError("unavailable", `Cannot write ${path}`, { cause: error });
    }
  },

  async kind(path) {
    const info = await orWhenAbsent(undefined, "look at", path, () => Deno.stat(path));
    return info === undefined ? undefined : kindOf(info);
  },

  async readFile(path, { maxBytes }) {
    // Before opening: to open a FIFO is to wait for whoever writes to it.
    const before = await realFiles.kind(path);
    if (before === undefined) return undefined;
    requireRegular(path, before);
    return await orWhenAbsent(undefined, "read", path, async () => {
      using file = await Deno.open(path);
      const info = await file.stat();
      requireRegular(path, kindOf(info));
      if (info.size > maxBytes) throw tooLarge(path, info.size, maxBytes);
      const content = await readUpTo(file, maxBytes + 1);
      // It may have grown since it was measured.
      if (content.byteLength > maxBytes) throw tooLarge(path, content.byteLength, maxBytes);
      return { content, mode: (info.mode ?? 0) & 0o7777 };
    });
  },

  async mode(path) {
    const info = await orWhenAbsent(undefined, "look at", path, () => Deno.stat(path));
    return info === undefined ? undefined : (info.mode ?? 0) & 0o7777;
  },

  async tryLock(path) {
    try {
      await Deno.mkdir(dirname(path), { recursive: true, mode: 0o755 });
      const file = await Deno.open(path, { write: true, create: true, mode: 0o600 });
      if (await file.tryLock(true)) return file;
      file.close();
      return undefined;
    } catch (error) {
      throw new McpError("unavailable", `Cannot lock ${path}`, { cause: error });
    }
  },

  async list(path) {
    return await orWhenAbsent([], "list", path, async () => {
      const names: string[] = [];
      for await (const entry of Deno.readDir(path)) names.push(entry.name);
      return names.sort();
    });
  },

  async remove(path) {
    return await orWhenAbsent(false, "remove", path, async () => {
      await Deno.remove(path);
      return true;
    });
  },
};

function kindOf(info: Deno.FileInfo): FileKind {
  return info.isFile ? "file" : info.isDirectory ? "folder" : "other";
}

function requireRegular(path: string, kind: FileKind): void {
  if (kind === "file") return;
  const what = kind === "folder" ? "a folder" : "no regular file";
  throw new McpError("invalid", `Cannot read ${path}: it is ${what}`);
}

function tooLarge(path: string, bytes: number, maxBytes: number): McpError {
  return new McpError(
    "invalid",
    `Cannot read ${path}: it holds ${bytes} bytes, and ${maxBytes} are the limit`,
  );
}

/** The file from where it is read, but no more bytes than that. */
async function readUpTo(file: Deno.FsFile, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < maxBytes) {
    const part = new Uint8Array(Math.min(64 * 1024, maxBytes - bytes));
    const count = await file.read(part);
    if (count === null) break;
    parts.push(part.subarray(0, count));
    bytes += count;
  }
  const content = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    content.set(part, at);
    at += part.byteLength;
  }
  return content;
}

async function orWhenAbsent<T>(
  absent: T,
  verb: string,
  path: string,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return absent;
    if (error instanceof McpError) throw error;
    throw new McpError("unavailable", `Cannot ${verb} ${path}`, { cause: error });
  }
}
