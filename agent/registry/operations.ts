/**
 * Rollouts by the ids that their callers chose, so that one that is asked for twice is done once.
 *
 * @module
 */

import type { Registry } from "./registry.ts";
import { number, optionalTime, sql, text } from "./row.ts";

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
  registry.run(...sql`INSERT INTO operations (id, service, request, revision, began_at)
     VALUES (${operation.id}, ${operation.service}, ${operation.request}, ${operation.revision},
     ${operation.now})
     ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, began_at = excluded.began_at`);
}

/** Remembers how a rollout ended. */
export function endOperation(registry: Registry, id: string, results: string, now: Date): void {
  registry.run(...sql`UPDATE operations SET ended_at = ${now}, results = ${results}
     WHERE id = ${id}`);
}

/** The rollout of this id. */
export function findOperation(registry: Registry, id: string): RecordedOperation | undefined {
  const row = registry.get(...sql`SELECT * FROM operations WHERE id = ${id}`);
  return row && {
    id: text(row, "id"),
    service: text(row, "service"),
    request: text(row, "request"),
    revision: number(row, "revision"),
    endedAt: optionalTime(row, "ended_at"),
    results: text(row, "results"),
  };
}
