/**
 * Tables that grow with time: where what is from a time on begins, and forgetting what is older.
 *
 * @module
 */

import type { Registry } from "./registry.ts";
import { optionalNumber, timeText } from "./row.ts";

/** Tables that have an index of their times. */
const timeIndex = { events: "idx_events_time", audit: "idx_audit_time" } as const;

/**
 * The least id of what is from a time on; undefined when there is none.
 *
 * Rows are written in the order in which they are learned, which is not always that of their times: so
 * all that is from then on is looked through, by the index. Left to itself SQLite would go through the
 * table from its beginning instead, and what is asked for is mostly at its end.
 */
export function firstIdSince(
  registry: Registry,
  table: keyof typeof timeIndex,
  since: Date,
): number | undefined {
  const at = timeText(since);
  const older = registry.get(`SELECT 1 FROM ${table} WHERE timestamp < ? LIMIT 1`, at);
  const row = older === undefined
    ? registry.get(`SELECT min(id) AS first FROM ${table}`)
    : registry.get(
      `SELECT min(id) AS first FROM ${table} INDEXED BY ${timeIndex[table]} WHERE timestamp >= ?`,
      at,
    );
  return row && optionalNumber(row, "first");
}

/** By table: the column that says when something was. */
const timeColumn = {
  alerts: "timestamp",
  audit: "timestamp",
  events: "timestamp",
  operations: "began_at",
} as const;

/** The tables of which what is old is forgotten. */
export type ForgetfulTable = keyof typeof timeColumn;

/** Forgets what is from before a time, at most so many rows at once; how many were forgotten. */
export function forgetOlder(
  registry: Registry,
  table: ForgetfulTable,
  before: Date,
  limit: number,
): number {
  const column = timeColumn[table];
  return registry.run(
    `DELETE FROM ${table} WHERE id IN (
       SELECT id FROM ${table} WHERE ${column} < ? ORDER BY ${column} LIMIT ?
     )`,
    timeText(before),
    limit,
  );
}
