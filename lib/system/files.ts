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

/** {@link Files} by Deno. */
export const realFiles: Files = {
  async readText(path) {
    return await orWhenAbsent(undefined, "read", path, () => Deno.readTextFile(path));
  },

  async writeText(path, text, { mode }) {
    const target = await orWhenAbsent(path, "write", path, () => Deno.realPath(path));
    const folder = dirname(target);
    const temporary = join(folder, `.mcp-${crypto.randomUUID()}`);
    try {
      await Deno.mkdir(folder, { recursive: true, mode: 0o755 });
      const file = await Deno.open(temporary, { write: true, createNew: true, mode });
      try {
        // The umask may have taken bits from the mode of creation.
        await Deno.chmod(temporary, mode);
        const bytes = new TextEncoder().encode(text);
        for (let at = 0; at < bytes.byteLength;) at += await file.write(bytes.subarray(at));
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

  async mode(path) {
    const info = await orWhenAbsent(undefined, "look at", path, () => Deno.stat(path));
    return info === undefined ? undefined : (info.mode ?? 0) & 0o7777;
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
    throw new McpError("unavailable", `Cannot ${verb} ${path}`, { cause: error });
  }
}
