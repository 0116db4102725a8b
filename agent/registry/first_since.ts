/**
 * Where in a table that grows by id what is from a time on begins.
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
