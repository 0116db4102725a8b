/**
 * The audit: every call, answered or refused.
 *
 * @module
 */

import { firstIdSince } from "./first_since.ts";
import type { Registry } from "./registry.ts";
import { number, text, time, timeText } from "./row.ts";

/** One call. */
export interface AuditEntry {
  readonly method: string;
  /** Whom the token spoke for; empty = nobody known. */
  readonly caller: string;
  readonly peer: string;
  /** The service that the call was about; empty = the whole node. */
  readonly service: string;
  /** When it began. */
  readonly at: Date;
  /** Name of the gRPC status, and the sentence that went with it. */
  readonly outcome: string;
  readonly reason: string;
  readonly durationMs: number;
}

/** Appends entries in one transaction. */
export function appendAudit(registry: Registry, entries: readonly AuditEntry[]): void {
  registry.transaction(() => {
    for (const entry of entries) {
      registry.run(
        `INSERT INTO audit (method, caller, peer, service, timestamp, outcome, reason, duration_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        entry.method,
        entry.caller,
        entry.peer,
        entry.service,
        timeText(entry.at),
        entry.outcome,
        entry.reason,
        Math.round(entry.durationMs),
      );
    }
  });
}

/** The latest calls, newest first. */
export function recentAudit(
  registry: Registry,
  filter: { readonly since?: Date | undefined; readonly limit: number },
): AuditEntry[] {
  const { since, limit } = filter;
  const first = since === undefined ? 0 : firstIdSince(registry, "audit", since);
  if (first === undefined) return [];
  return registry.all(
    `SELECT * FROM audit WHERE id >= ?1 AND (?2 IS NULL OR timestamp >= ?2)
     ORDER BY id DESC LIMIT ?3`,
    first,
    since === undefined ? null : timeText(since),
    limit,
  ).map((row) => ({
    method: text(row, "method"),
    caller: text(row, "caller"),
    peer: text(row, "peer"),
    service: text(row, "service"),
    at: time(row, "timestamp"),
    outcome: text(row, "outcome"),
    reason: text(row, "reason"),
    durationMs: number(row, "duration_ms"),
  }));
}

/** Forgets calls from before a time, at most so many at once; how many were forgotten. */
export function pruneAudit(registry: Registry, before: Date, limit: number): number {
  return registry.run(
    `DELETE FROM audit WHERE id IN (
       SELECT id FROM audit WHERE timestamp < ? ORDER BY timestamp LIMIT ?
     )`,
    timeText(before),
    limit,
  );
}
