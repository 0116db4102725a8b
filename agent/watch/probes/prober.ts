/**
 * Asks every component that runs and has a health check, each at its own interval, for as long as
 * the agent lives.
 *
 * What changes is remembered and told as an event, and may be worth an alert. A component that a
 * rollout is moving is left to that rollout.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import type { Transition } from "../../../lib/domain/event.ts";
import type { HealthCheck } from "../../../lib/domain/health_check.ts";
import { errorChain } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import { appendEvent } from "../../registry/events.ts";
import type { Registry } from "../../registry/registry.ts";
import {
  type ComponentRecord,
  getService,
  listServices,
  recordHealth,
} from "../../registry/services.ts";
import { pooled } from "../../locks/pooled.ts";
import type { ServiceLocks } from "../../locks/service_locks.ts";
import { afterAnswer, type HealthState, justStarted } from "./health_rules.ts";
import type { Answer } from "./answer.ts";
import type { ProbeOnce } from "./probe.ts";

interface ProberOptions {
  readonly registry: Registry;
  readonly locks: Pick<ServiceLocks, "mark" | "touchedSince">;
  readonly clock: Clock;
  readonly probe: ProbeOnce;
  /** Told of what changed by itself, once it is remembered. */
  readonly onChange: (transition: Transition, at: Date) => void;
}

/** A component to be asked. */
interface Patient {
  readonly record: ComponentRecord;
  readonly spec: ComponentSpec;
  readonly check: HealthCheck;
}

/** What is remembered of a component between two answers. */
interface Chart {
  /** When its container was started, in whole seconds: a listing knows no more. */
  readonly startedAt: number;
  state: HealthState;
  dueAtMs: number;
}

/** How long a component that has just come up may wait to be asked for the first time. */
const roundMs = 5_000;
/** How long nobody is looked for where nothing is written. */
const longestRestMs = 600_000;
/** How many are asked at the same time. */
const parallelProbes = 8;

/** Asks. */
export class Prober {
  readonly #options: ProberOptions;
  readonly #charts = new Map<string, Chart>();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Asks until the signal trips. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, registry } = this.#options;
    while (!signal.aborted) {
      let waitMs = roundMs;
      // Asked for before the round, so that nothing that is written in it is waited for in vain.
      const changed = registry.changed();
      try {
        waitMs = await this.round(signal);
      } catch (error) {
        // A round that fails must not end the loop: the next one may succeed.
        if (!signal.aborted) {
          log.monitor.error("Cannot ask for the components' health: {reason}", {
            reason: errorChain(error),
          });
        }
      }
      await clock.sleep(Math.min(waitMs, roundMs), signal).catch(() => {});
      // Nobody else can be due before something is written: a node that is idle is left to be.
      if (waitMs > roundMs) await this.#sleepUnless(changed, waitMs - roundMs, signal);
    }
  }

  /** Sleeps until the time is over or this has happened. */
  async #sleepUnless(happened: Promise<void>, durationMs: number, signal: AbortSignal) {
    const woken = new AbortController();
    happened.then(() => woken.abort());
    const either = AbortSignal.any([signal, woken.signal]);
    await this.#options.clock.sleep(Math.min(durationMs, longestRestMs), either).catch(() => {});
  }

  /** Asks all that are due; in how long somebody is due again, which is never where nobody is asked. */
  async round(signal: AbortSignal): Promise<number> {
    const { registry, clock } = this.#options;
    const patients = listServices(registry).flatMap(({ components }) => components)
      .flatMap((record) => toPatient(record) ?? []);
    const keys = new Set(patients.map(({ record }) => keyOf(record)));
    for (const key of this.#charts.keys()) if (!keys.has(key)) this.#charts.delete(key);
    const nowMs = clock.now().getTime();
    const due = patients.filter((patient) => this.#chart(patient, nowMs).dueAtMs <= nowMs);
    await pooled(due.map((patient) => () => this.#ask(patient, signal)), parallelProbes);
    const afterMs = clock.now().getTime();
    const nextMs = Math.min(...[...this.#charts.values()].map(({ dueAtMs }) => dueAtMs));
    return Math.max(100, nextMs - afterMs);
  }

  #chart({ record }: Patient, nowMs: number): Chart {
    const key = keyOf(record);
    const startedAt = Math.floor((record.startedAt?.getTime() ?? 0) / 1000);
    const known = this.#charts.get(key);
    if (known?.startedAt === startedAt) return known;
    // What an earlier run of the agent, or a rollout, has found out.
    const state: HealthState = record.health === ""
      ? justStarted
      : { health: record.health, failures: 0 };
    const chart = { startedAt, state, dueAtMs: nowMs };
    this.#charts.set(key, chart);
    return chart;
  }

  async #ask(patient: Patient, signal: AbortSignal): Promise<void> {
    const { clock, locks, probe } = this.#options;
    const { record, spec, check } = patient;
    const mark = locks.mark();
    if (locks.touchedSince(mark, record.service, spec.name)) return;
    const answer = await probe(record.container, spec, check, signal);
    const now = clock.now();
    const chart = this.#charts.get(keyOf(record));
    if (chart === undefined) return;
    chart.dueAtMs = now.getTime() + check.intervalMs;
    // It may have been another container that answered.
    if (locks.touchedSince(mark, record.service, spec.name)) return;
    const sinceStartMs = now.getTime() - (record.startedAt?.getTime() ?? 0);
    chart.state = afterAnswer(chart.state, answer.isGood, sinceStartMs, check);
    this.#remember(patient, chart, answer, now);
  }

  #remember({ record, spec }: Patient, chart: Chart, answer: Answer, now: Date): void {
    const { registry, onChange } = this.#options;
    const { service } = record;
    const component = spec.name;
    const current = getService(registry, service)?.components
      .find((candidate) => candidate.spec.name === component);
    const { health } = chart.state;
    // It may have ended, or been started anew, while it was asked.
    if (current?.observed !== "running" || startOf(current) !== startOf(record)) return;
    if (current.health === health) return;
    const wasSick = current.health === "unhealthy";
    const isSick = health === "unhealthy";
    const transition: Transition = {
      service,
      component,
      previous: wasSick ? "unhealthy" : "running",
      next: isSick ? "unhealthy" : "running",
      at: now,
      cause: isSick ? answer.text : "healthy again",
      actor: "",
    };
    const isTold = wasSick !== isSick;
    registry.transaction(() => {
      recordHealth(registry, { service, component, health, lastProbe: answer.text });
      if (isTold) appendEvent(registry, transition);
    });
    if (isTold) onChange(transition, now);
  }
}

function toPatient(record: ComponentRecord): Patient | undefined {
  const spec = record.deployment?.spec;
  const check = spec?.healthcheck;
  const isUp = record.desired === "running" && record.observed === "running";
  return !isUp || spec === undefined || check === undefined ? undefined : { record, spec, check };
}

function keyOf({ service, spec }: ComponentRecord): string {
  return `${service}/${spec.name}`;
}

function startOf({ startedAt }: ComponentRecord): number {
  return Math.floor((startedAt?.getTime() ?? 0) / 1000);
}
