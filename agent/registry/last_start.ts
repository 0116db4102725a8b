/**
 * When the agent last began: what tells a boot of the machine from a restart of the agent.
 *
 * @module
 */

import type { Registry } from "./registry.ts";
import { number, sql, time } from "./row.ts";

/** When the agent began, by the clock on the wall and by the one that begins at each boot. */
export interface Start {
  readonly at: Date;
  readonly uptimeMs: number;
}

/** When the agent last began; undefined on a new node. */
export function lastStart(registry: Registry): Start | undefined {
  const row = registry.get("SELECT timestamp, uptime_ms FROM last_start");
  return row && { at: time(row, "timestamp"), uptimeMs: number(row, "uptime_ms") };
}

/** Remembers this one. */
export function rememberStart(registry: Registry, { at, uptimeMs }: Start): void {
  registry.run(...sql`INSERT INTO last_start (id, timestamp, uptime_ms)
     VALUES (1, ${at}, ${uptimeMs})
     ON CONFLICT (id) DO UPDATE SET
       timestamp = excluded.timestamp, uptime_ms = excluded.uptime_ms`);
}
