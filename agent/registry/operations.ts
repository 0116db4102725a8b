/**
 * Rollouts by the ids that their callers chose, so that one that is asked for twice is done once.
 *
 * @module
 */

import type { Registry } from "./registry.ts";
import { number, optionalTime, text, timeText } from "./row.ts";

/** A rollout as it is remembered. */
interface RecordedOperation {
  readonly id: string;
  readonly service: string;
  /** Stands for what was asked. */
  readonly request: string;
  readonly revision: number;
  /** Undefined = it was never finished. */
  readonly endedAt: Date | undefined;
  /** What became of each component, as JSON. */
  readonly results: string;
}

/** Remembers that a rollout has begun; one that was never finished begins again. */
export function beginOperation(
  registry: Registry,
  operation: {
    readonly id: string;
    readonly service: string;
    readonly request: string;
    readonly revision: number;
    readonly now: Date;
  },
): void {
  registry.run(
    `INSERT INTO operations (id, service, request, revision, began_at) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (id) DO UPDATE SET revision = ?4, began_at = ?5`,
    operation.id,
    operation.service,
    operation.request,
    operation.revision,
    timeText(operation.now),
  );
}

/** Remembers how a rollout ended. */
export function endOperation(registry: Registry, id: string, results: string, now: Date): void {
  registry.run(
    "UPDATE operations SET ended_at = ?, results = ? WHERE id = ?",
    timeText(now),
    results,
    id,
  );
}

/** The rollout of this id. */
export function findOperation(registry: Registry, id: string): RecordedOperation | undefined {
  const row = registry.get("SELECT * FROM operations WHERE id = ?", id);
  return row && {
    id: text(row, "id"),
    service: text(row, "service"),
    request: text(row, "request"),
    revision: number(row, "revision"),
    endedAt: optionalTime(row, "ended_at"),
    results: text(row, "results"),
  };
}

/** Forgets rollouts that began before a time, at most so many at once; how many were forgotten. */
export function pruneOperations(registry: Registry, before: Date, limit: number): number {
  return registry.run(
    `DELETE FROM operations WHERE id IN (
       SELECT id FROM operations WHERE began_at < ? ORDER BY began_at LIMIT ?
     )`,
    timeText(before),
    limit,
  );
}
