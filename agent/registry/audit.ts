/**
 * The audit: every call, answered or refused.
 *
 * @module
 */

import { firstIdSince } from "./by_time.ts";
import type { Registry } from "./registry.ts";
import { number, sql, text, time } from "./row.ts";

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
      registry.run(...sql`INSERT INTO audit
           (method, caller, peer, service, timestamp, outcome, reason, duration_ms)
         VALUES (${entry.method}, ${entry.caller}, ${entry.peer}, ${entry.service}, ${entry.at},
         ${entry.outcome}, ${entry.reason}, ${Math.round(entry.durationMs)})`);
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
  return registry.all(...sql`SELECT * FROM audit WHERE id >= ${first}
     AND (${since} IS NULL OR timestamp >= ${since})
     ORDER BY id DESC LIMIT ${limit}`).map((row) => ({
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
