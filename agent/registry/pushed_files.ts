/**
 * Files that were pushed: how they were then.
 *
 * @module
 */

import type { Registry } from "./registry.ts";
import { number, text, time, timeText } from "./row.ts";

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
  registry.run(
    `INSERT INTO pushed_files (service, path, sha256, mode, size, modified, changed, timestamp)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS (SELECT 1 FROM services WHERE name = ?1)
     ON CONFLICT (service, path) DO UPDATE SET
       sha256 = ?3, mode = ?4, size = ?5, modified = ?6, changed = ?7, timestamp = ?8`,
    file.service,
    file.path,
    file.sha256,
    file.mode,
    file.size,
    file.modifiedMs,
    file.changedMs,
    timeText(now),
  );
}

/** Takes a file that was pushed once for what it is now. */
export function acceptPushedFile(registry: Registry, file: PushedFile, now: Date): void {
  const known = registry.get(
    "SELECT 1 AS known FROM pushed_files WHERE service = ? AND path = ?",
    file.service,
    file.path,
  );
  if (known !== undefined) rememberPushedFile(registry, file, now);
}

/** Remembers that a file has other times by now and is the same. */
export function recordSameFile(
  registry: Registry,
  file: Pick<PushedFile, "service" | "path" | "modifiedMs" | "changedMs">,
): void {
  registry.run(
    "UPDATE pushed_files SET modified = ?, changed = ? WHERE service = ? AND path = ?",
    file.modifiedMs,
    file.changedMs,
    file.service,
    file.path,
  );
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
