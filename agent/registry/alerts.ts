/**
 * Alerts that were raised; the latest of a component tells whether to keep quiet about it.
 *
 * @module
 */

import { type AlertKind, alertKinds } from "../../lib/domain/alert.ts";
import type { Registry } from "./registry.ts";
import { text, time, timeText, word } from "./row.ts";

/** An alert as it is remembered. */
interface RecordedAlert {
  readonly service: string;
  readonly component: string;
  readonly kind: AlertKind;
  readonly at: Date;
}

/** Remembers an alert. */
export function appendAlert(registry: Registry, alert: RecordedAlert): void {
  registry.run(
    "INSERT INTO alerts (service, component, kind, timestamp) VALUES (?, ?, ?, ?)",
    alert.service,
    alert.component,
    alert.kind,
    timeText(alert.at),
  );
}

/** The latest alert about a component. */
export function lastAlert(
  registry: Registry,
  service: string,
  component: string,
): RecordedAlert | undefined {
  const row = registry.get(
    "SELECT * FROM alerts WHERE service = ? AND component = ? ORDER BY id DESC LIMIT 1",
    service,
    component,
  );
  return row && {
    service: text(row, "service"),
    component: text(row, "component"),
    kind: word(row, "kind", alertKinds),
    at: time(row, "timestamp"),
  };
}

/** Forgets alerts from before a time, at most so many at once; how many were forgotten. */
export function pruneAlerts(registry: Registry, before: Date, limit: number): number {
  return registry.run(
    `DELETE FROM alerts WHERE id IN (
       SELECT id FROM alerts WHERE timestamp < ? ORDER BY timestamp LIMIT ?
     )`,
    timeText(before),
    limit,
  );
}
