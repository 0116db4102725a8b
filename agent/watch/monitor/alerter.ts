/**
 * From what was seen to what the operator is told.
 *
 * @module
 */

import type { Transition } from "../../../lib/domain/event.ts";
import { log } from "../../../lib/log.ts";
import type { Reconciliation } from "../reconcile/reconcile.ts";
import { appendAlert, lastAlert } from "../../registry/alerts.ts";
import { countTransitions } from "../../registry/events.ts";
import type { Registry } from "../../registry/registry.ts";
import {
  type ComponentRecord,
  effectiveState,
  getService,
  jobOf,
  listServices,
} from "../../registry/services.ts";
import { pooled } from "../../locks/pooled.ts";
import { type AlertCommandOptions, runAlertCommand } from "./alert_command.ts";
import {
  type Alert,
  type AlertThresholds,
  evaluateAlerts,
  type WatchedComponent,
} from "./alert_rules.ts";

interface AlerterOptions {
  readonly registry: Registry;
  readonly thresholds: AlertThresholds & { readonly flapWindowMs: number };
  readonly command: AlertCommandOptions;
}

/** How many alert commands of one look run at the same time. */
const parallelCommands = 4;

/** Raises alerts for what was seen, and remembers that it did. */
export class Alerter {
  readonly #options: AlerterOptions;
  readonly #running = new Set<Promise<void>>();

  constructor(options: AlerterOptions) {
    this.#options = options;
  }

  /**
   * Decides about one look. What is raised is remembered before the command runs:
   * an agent that is killed in between repeats no alert.
   */
  consider(seen: Pick<Reconciliation, "transitions">, now: Date): void {
    if (seen.transitions.length === 0) return;
    const { registry, thresholds } = this.#options;
    const alerts = evaluateAlerts(this.#watched(seen.transitions, now), thresholds, now);
    if (alerts.length === 0) return;
    registry.transaction(() => {
      for (const { service, component, kind } of alerts) {
        appendAlert(registry, { service, component, kind, at: now });
      }
    });
    for (const alert of alerts) warn(alert);
    const { command } = this.#options;
    const run = pooled(
      alerts.map((alert) => () => runAlertCommand(alert, command)),
      parallelCommands,
    ).then(() => void this.#running.delete(run));
    this.#running.add(run);
  }

  /** Resolves when no alert command is running. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  #watched(transitions: readonly Transition[], now: Date): WatchedComponent[] {
    const { registry, thresholds } = this.#options;
    const since = new Date(now.getTime() - thresholds.flapWindowMs);
    const byComponent = Map.groupBy(
      transitions,
      ({ service, component }) => `${service}/${component}`,
    );
    const records = recordsOf(registry, new Set(transitions.map(({ service }) => service)));
    return [...byComponent.values()].flatMap((own): WatchedComponent[] => {
      const [first] = own;
      if (first === undefined) return [];
      const { service, component } = first;
      const record = records.get(`${service}/${component}`);
      if (record === undefined) return [];
      return [{
        service,
        component,
        desired: record.desired,
        observed: effectiveState(record),
        job: jobOf(record),
        transitions: own,
        recentTransitions: countTransitions(registry, service, component, {
          since,
          until: now,
        }),
        lastAlert: lastAlert(registry, service, component),
      }];
    });
  }
}

/** The components of these services, by "service/component"; of several with as many questions as of all. */
function recordsOf(
  registry: Registry,
  names: ReadonlySet<string>,
): ReadonlyMap<string, ComponentRecord> {
  const [name] = names;
  const services = name === undefined
    ? []
    : names.size === 1
    ? [getService(registry, name)]
    : listServices(registry);
  return new Map(
    services.flatMap((service) => service?.components ?? [])
      .map((record) => [`${record.service}/${record.spec.name}`, record]),
  );
}

function warn(alert: Alert): void {
  log.monitor.warn(
    "{kind}: {service}/{component} should be {desired} and is {observed} ({cause})",
    {
      kind: alert.kind,
      service: alert.service,
      component: alert.component,
      desired: alert.desired,
      observed: alert.observed,
      cause: alert.cause === "" ? "no cause known" : alert.cause,
      transitions: alert.transitions,
    },
  );
}
