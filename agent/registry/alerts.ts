/**
 * Alerts that were raised; the latest of a component tells whether to keep quiet about it.
 *
 * @module
 */

import { type AlertKind, alertKinds } from "../../lib/domain/alert.ts";
import type { Registry } from "./registry.ts";
import { sql, text, time, word } from "./row.ts";

/** An alert as it is remembered. */
interface RecordedAlert {
  readonly service: string;
  readonly component: string;
  readonly kind: AlertKind;
  readonly at: Date;
}

/** Remembers an alert. */
export function appendAlert(registry: Registry, alert: RecordedAlert): void {
  registry.run(...sql`INSERT INTO alerts (service, component, kind, timestamp)
     VALUES (${alert.service}, ${alert.component}, ${alert.kind}, ${alert.at})`);
}

/** The latest alert about a component. */
export function lastAlert(
  registry: Registry,
  service: string,
  component: string,
): RecordedAlert | undefined {
  const row = registry.get(...sql`SELECT * FROM alerts WHERE service = ${service}
     AND component = ${component} ORDER BY id DESC LIMIT 1`);
  return row && {
    service: text(row, "service"),
    component: text(row, "component"),
    kind: word(row, "kind", alertKinds),
    at: time(row, "timestamp"),
  };
}
