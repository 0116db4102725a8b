/**
 * Files that were pushed: how they were then.
 *
 * @module
 */

import type { Registry } from "./registry.ts";
import { number, sql, text, time } from "./row.ts";

/** A file as it was when it was pushed, or pulled since. */
export interface PushedFile {
  readonly service: string;
  /** Below the service's folder. */
  readonly path: string;
  /** Of its content, in hexadecimal. */
  readonly sha256: string;
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
  /** When its content and its entry last changed, in milliseconds since 1970, by the node's clock. */
  readonly modifiedMs: number;
  readonly changedMs: number;
}

/** Remembers a file as it was pushed; of a service that is gone by now nothing is kept. */
export function rememberPushedFile(registry: Registry, file: PushedFile, now: Date): void {
  registry.run(...sql`INSERT INTO pushed_files
       (service, path, sha256, mode, size, modified, changed, timestamp)
     SELECT ${file.service}, ${file.path}, ${file.sha256}, ${file.mode}, ${file.size},
       ${file.modifiedMs}, ${file.changedMs}, ${now}
     WHERE EXISTS (SELECT 1 FROM services WHERE name = ${file.service})
     ON CONFLICT (service, path) DO UPDATE SET
       sha256 = excluded.sha256, mode = excluded.mode, size = excluded.size,
       modified = excluded.modified, changed = excluded.changed, timestamp = excluded.timestamp`);
}

/** Takes a file that was pushed once for what it is now. */
export function acceptPushedFile(registry: Registry, file: PushedFile, now: Date): void {
  const known = registry.get(...sql`SELECT 1 AS known FROM pushed_files
     WHERE service = ${file.service} AND path = ${file.path}`);
  if (known !== undefined) rememberPushedFile(registry, file, now);
}

/** Remembers that a file has other times by now and is the same. */
export function recordSameFile(
  registry: Registry,
  file: Pick<PushedFile, "service" | "path" | "modifiedMs" | "changedMs">,
): void {
  registry.run(...sql`UPDATE pushed_files SET modified = ${file.modifiedMs},
     changed = ${file.changedMs} WHERE service = ${file.service} AND path = ${file.path}`);
}

/** The files that were pushed, with when; of one service when it is named. */
export function listPushedFiles(
  registry: Registry,
  service: string | undefined,
): (PushedFile & { readonly at: Date })[] {
  const where = service === undefined ? "" : "WHERE service = ?";
  const rows = registry.all(
    `SELECT * FROM pushed_files ${where} ORDER BY service, path`,
    ...(service === undefined ? [] : [service]),
  );
  return rows.map((row) => ({
    service: text(row, "service"),
    path: text(row, "path"),
    sha256: text(row, "sha256"),
    mode: number(row, "mode"),
    size: number(row, "size"),
    modifiedMs: number(row, "modified"),
    changedMs: number(row, "changed"),
    at: time(row, "timestamp"),
  }));
}
