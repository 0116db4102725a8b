/**
 * Where snapshots of the registry lie, and what they are called.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";

/** The folder of a registry's snapshots. */
export function snapshotFolder(databaseFile: string): string {
  return join(dirname(databaseFile), "backups");
}

/** What a snapshot is called; names sort as they were made. */
export function snapshotName(at: Date): string {
  return `mcp-${fileTime(at)}.db`;
}

/** A time as it stands in the name of a file, in UTC, e.g. "2030-01-01T12-00-00.000Z". */
export function fileTime(at: Date): string {
  return at.toISOString().replaceAll(":", "-");
}

/** The paths of a registry's snapshots, latest first; none when the folder cannot be read. */
export function listSnapshots(databaseFile: string): string[] {
  const folder = snapshotFolder(databaseFile);
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    // There is none yet. Whoever needs the folder will hear of anything else.
    return [];
  }
  return names.filter((name) => /^mcp-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z\.db$/.test(name))
    .sort().reverse().map((name) => join(folder, name));
}
