/**
 * Copies of the registry: made while a server writes, believed only after they were checked.
 *
 * A copy gets its final name when it is whole, sound and on disk; what a killed run leaves goes
 * with the next one. Nothing here needs more than the registry's folder.
 *
 * @module
 */

import { closeSync, constants, openSync } from "node:fs";
import {
  copyFile,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { backup, DatabaseSync } from "node:sqlite";
import { basename, dirname, join } from "node:path";
import { McpError } from "../../lib/errors.ts";
import { giveToFolderOwner, lockRegistry } from "./lock.ts";
import { migrations } from "./migrations/index.ts";
import { fileTime, listSnapshots, snapshotFolder, snapshotName } from "./snapshots.ts";

/** How many snapshots are kept unless it is said. */
export const defaultKeep = 14;

const temporaryPrefix = ".mcp-snapshot-";
const restorePrefix = ".mcp-restore-";

/** A snapshot that was made. */
export interface Snapshot {
  readonly path: string;
  readonly bytes: number;
  readonly schema: number;
  /** Older ones that were removed. */
  readonly removed: readonly string[];
}

/**
 * Copies the registry into its folder of snapshots, and removes all but the latest.
 *
 * @param options.keep How many there are afterwards at most; the one just made always stays.
 * @throws {McpError} `not_found` when there is no registry, `conflict` when it is damaged; then no
 *   snapshot is made, and none is removed.
 */
export async function snapshotRegistry(
  databaseFile: string,
  { now, keep, configFile }: {
    readonly now: Date;
    readonly keep: number;
    /** What `mcp-agent restore` would be told. */
    readonly configFile?: string;
  },
): Promise<Snapshot> {
  const verb = `make a snapshot of the registry ${databaseFile}`;
  await requireFile(verb, databaseFile);
  const folder = snapshotFolder(databaseFile);
  return await orFail(verb, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    giveToFolderOwner(folder);
    // One at a time: so whatever another run began and did not finish is left over.
    using _lock = await lockFolder(folder);
    await removeLeftovers(folder, temporaryPrefix);
    const temporary = join(folder, `${temporaryPrefix}${crypto.randomUUID()}`);
    const path = join(folder, snapshotName(now));
    try {
      const refuse: Refuse = (why, cause) =>
        new McpError("conflict", `Cannot ${verb}: ${why}`, {
          hint: restoreHint(databaseFile, { configFile }),
          cause,
        });
      await copyOnline(databaseFile, temporary, refuse);
      const schema = requireRegistry(temporary, refuse);
      giveToFolderOwner(temporary);
      await syncPath(temporary);
      await rename(temporary, path);
      await syncPath(folder);
      const { size } = await stat(path);
      const removed = listSnapshots(databaseFile).filter((other) => other !== path)
        .slice(Math.max(keep, 1) - 1);
      for (const other of removed) await rm(other);
      return { path, bytes: size, schema, removed };
    } finally {
      await removeDatabase(temporary);
    }
  });
}

/** What a restore did. */
interface Restored {
  readonly schema: number;
  /** Where the registry is that was replaced; undefined when there was none. */
  readonly replaced: string | undefined;
}

/**
 * Puts a snapshot into the registry's place; what was there is kept beside it.
 *
 * @throws {McpError} `conflict` when a server is running on the registry or a newer agent wrote the
 *   file, `not_found` when there is no such file, `invalid` when it is damaged or no registry. Then
 *   nothing has changed.
 */
export async function restoreRegistry(
  databaseFile: string,
  file: string,
  { now, configFile }: { readonly now: Date; readonly configFile?: string },
): Promise<Restored> {
  const verb = `restore ${file}`;
  await requireFile(verb, file);
  using _lock = lockRegistry(databaseFile, verb);
  return await orFail(verb, async () => {
    if (await sameFile(file, databaseFile)) {
      throw new McpError("invalid", `Cannot ${verb}: it is the registry itself`);
    }
    const folder = dirname(databaseFile);
    await removeLeftovers(folder, restorePrefix);
    const temporary = join(folder, `${restorePrefix}${crypto.randomUUID()}`);
    try {
      await copyPrivately(file, temporary);
      // One that was kept by an earlier restore may have a part of its content there.
      if (await exists(`${file}-wal`)) await copyPrivately(`${file}-wal`, `${temporary}-wal`);
      const schema = requireRegistry(
        temporary,
        (why, cause) =>
          new McpError("invalid", `Cannot ${verb}: ${why}`, {
            hint: restoreHint(databaseFile, { except: file, configFile }),
            cause,
          }),
      );
      if (schema > migrations.length) throw newer(verb, schema);
      giveToFolderOwner(temporary);
      await syncPath(temporary);
      const replaced = await putAside(databaseFile, now);
      await rename(temporary, databaseFile);
      await syncPath(folder);
      return { schema, replaced };
    } finally {
      await removeDatabase(temporary);
    }
  });
}

/** Makes the error that tells what is wrong with a registry. */
type Refuse = (why: string, cause?: unknown) => McpError;

const damaged = "it is damaged, or no database";

/** Copies what the database is at one moment; who writes to it meanwhile does not wait. */
async function copyOnline(from: string, to: string, refuse: Refuse): Promise<void> {
  closeSync(openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
  const source = new DatabaseSync(from);
  try {
    // All pages at once: in parts, every write in between would make it begin anew.
    await backup(source, to, { rate: 2 ** 31 - 1 });
  } catch (error) {
    throw isDamage(error) ? refuse(damaged, error) : error;
  } finally {
    source.close();
  }
}

/**
 * Checks a copy, and makes one file of it.
 *
 * @returns Its schema version.
 */
function requireRegistry(path: string, refuse: Refuse): number {
  let database: DatabaseSync | undefined;
  try {
    // Out of WAL mode, so that nothing of it lies in a second file.
    database = new DatabaseSync(path);
    database.exec("PRAGMA journal_mode = DELETE");
    database.close();
    database = new DatabaseSync(path, { readOnly: true });
    const rows = database.prepare("PRAGMA integrity_check").all();
    if (rows.length !== 1 || rows[0]?.["integrity_check"] !== "ok") throw refuse(damaged);
    const schema = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
    const tables = database.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('services', 'components')",
    ).all();
    if (schema < 1 || tables.length < 2) throw refuse("it is not a registry of mcp-agent");
    return schema;
  } catch (error) {
    throw isDamage(error) ? refuse(damaged, error) : error;
  } finally {
    if (database?.isOpen === true) database.close();
  }
}

/**
 * Looks through a registry for damage, beside a server that may be running on it, and writes nothing.
 *
 * @throws {McpError} `conflict` when it is damaged or no registry, `unavailable` when it cannot be read.
 */
export async function requireSoundFile(databaseFile: string): Promise<void> {
  const verb = `use the registry ${databaseFile}`;
  await orFail(verb, () => {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(databaseFile, { readOnly: true });
      const said = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
      if (said !== "ok") throw new McpError("conflict", `Cannot ${verb}: ${damaged}`);
    } catch (error) {
      throw isDamage(error) ? new McpError("conflict", `Cannot ${verb}: ${damaged}`) : error;
    } finally {
      if (database?.isOpen === true) database.close();
    }
    return Promise.resolve();
  });
}

/** SQLITE_CORRUPT and SQLITE_NOTADB; some of Deno's calls tell the sentence only, which is fixed. */
const damageCodes: readonly unknown[] = [11, 26];
const damageSentence = /malformed|file is not a database/;

/** Whether an error of SQLite says that the file is damaged. */
export function isDamage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
  if (typeof errcode === "number") return damageCodes.includes(errcode & 0xff);
  return code === "ERR_SQLITE_ERROR" && damageSentence.test(error.message);
}

/**
 * Says how to come back from a damaged registry.
 *
 * @param options.except A snapshot that is known to be no help.
 */
export function restoreHint(
  databaseFile: string,
  { except, configFile }: {
    readonly except?: string;
    readonly configFile?: string | undefined;
  } = {},
): string {
  const latest = listSnapshots(databaseFile).find((path) => path !== except);
  if (latest === undefined) {
    return `There is no other snapshot in ${
      snapshotFolder(databaseFile)
    }; see what is in your own backups`;
  }
  const config = configFile === undefined ? "" : ` --config ${configFile}`;
  return `Run \`mcp-agent restore ${latest}${config}\`, the latest snapshot, or an older one beside it`;
}

function newer(verb: string, schema: number): McpError {
  return new McpError(
    "conflict",
    `Cannot ${verb}: its schema ${schema} is newer than this agent's ${migrations.length}`,
    { hint: "Install the mcp-agent that wrote it, or a newer one" },
  );
}

/**
 * Keeps the registry under another name, and takes its WAL away from it.
 *
 * The registry itself keeps its name until another takes it: killed in between, an agent would
 * otherwise begin an empty one.
 */
async function putAside(databaseFile: string, now: Date): Promise<string | undefined> {
  const aside = `${databaseFile}.before-restore-${fileTime(now)}`;
  const isThere = await exists(databaseFile);
  if (isThere) await link(databaseFile, aside);
  for (const suffix of ["-wal", "-shm"]) {
    if (await exists(`${databaseFile}${suffix}`)) {
      await rename(`${databaseFile}${suffix}`, `${aside}${suffix}`);
    }
  }
  return isThere ? aside : undefined;
}

async function lockFolder(folder: string): Promise<Disposable> {
  const path = join(folder, ".lock");
  const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  giveToFolderOwner(path);
  await file.lock(true);
  return file;
}

async function removeLeftovers(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(prefix)) await rm(join(folder, name), { force: true });
  }
}

async function removeDatabase(path: string): Promise<void> {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) {
    await rm(`${path}${suffix}`, { force: true });
  }
}

async function copyPrivately(from: string, to: string): Promise<void> {
  closeSync(openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
  await copyFile(from, to);
  const copy = await open(to, "r+");
  try {
    // A copy takes over the mode of what is copied.
    await copy.chmod(0o600);
  } finally {
    await copy.close();
  }
}

/** What was written to a file, or the names in a folder, are on disk afterwards. */
async function syncPath(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function requireFile(verb: string, path: string): Promise<void> {
  if (await exists(path)) {
    if ((await orFail(verb, () => stat(path))).isFile()) return;
    throw new McpError("invalid", `Cannot ${verb}: ${basename(path)} is not a file`);
  }
  throw new McpError("not_found", `Cannot ${verb}: there is no such file`);
}

async function sameFile(one: string, other: string): Promise<boolean> {
  return await exists(other) && await realpath(one) === await realpath(other);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && (error as { code?: unknown }).code === "ENOENT") return false;
    throw new McpError("unavailable", `Cannot look at ${path}`, { cause: error });
  }
}

async function orFail<T>(verb: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof McpError) throw error;
    throw new McpError("unavailable", `Cannot ${verb}`, { cause: error });
  }
}
