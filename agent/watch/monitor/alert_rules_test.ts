import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { Transition } from "../../../lib/domain/event.ts";
import {
  type DesiredState,
  desiredStates,
  type EventState,
  isDrift,
  type ObservedState,
  observedStates,
} from "../../../lib/domain/state.ts";
import { type AlertThresholds, evaluateAlerts, type WatchedComponent } from "./alert_rules.ts";

const now = new Date("2030-01-01T12:00:00Z");
const cooldownMs = 900_000;
const thresholds: AlertThresholds = { cooldownMs, flapThreshold: 3, alertRecovered: false };

/** The transitions along these states, all at once. */
function path(...states: readonly EventState[]): Transition[] {
  return states.slice(1).map((next, at) => ({
    service: "shop",
    component: "web",
    previous: states[at] ?? "unknown",
    next,
    at: now,
    cause: next === "exited" ? "exit code 137 (SIGKILL)" : "",
    actor: "",
  }));
}

/** A component that went this way. */
function gone(
  states: readonly EventState[],
  change: Partial<WatchedComponent> = {},
): WatchedComponent {
  const transitions = path(...states);
  return {
    service: "shop",
    component: "web",
    desired: "running",
    observed: states.at(-1) ?? "unknown",
    transitions,
    recentTransitions: transitions.length,
    lastAlert: undefined,
    ...change,
  };
}

const ago = (ms: number) => new Date(now.getTime() - ms);
const driftAlert = (ms: number) => ({ lastAlert: { kind: "drift", at: ago(ms) } as const });
const flapAlert = (ms: number) => ({ lastAlert: { kind: "flapping", at: ago(ms) } as const });
const recoveredAlert = (ms: number) => ({ lastAlert: { kind: "recovered", at: ago(ms) } as const });
const told: Partial<AlertThresholds> = { alertRecovered: true };

const cases: readonly (readonly [
  string,
  WatchedComponent,
  "drift" | "flapping" | "recovered" | "nothing",
  Partial<AlertThresholds>?,
])[] = [
  ["a crash", gone(["running", "exited"]), "drift"],
  ["a job that has succeeded", gone(["running", "exited"], { job: { exitCode: 0 } }), "nothing"],
  ["a job that has failed", gone(["running", "exited"], { job: { exitCode: 1 } }), "drift"],
  [
    "a job that fails after it had failed before",
    gone(["exited", "running", "exited"], { job: { exitCode: 1 } }),
    "drift",
  ],
  ["a component that falls ill", gone(["running", "unhealthy"]), "drift"],
  [
    "a component that is well again",
    gone(["unhealthy", "running"], driftAlert(1)),
    "recovered",
    told,
  ],
  [
    "one that is ill and is only looked at",
    gone(["running", "unhealthy"], {
      desired: "ignore",
    }),
    "nothing",
  ],
  ["a stop by somebody", gone(["running", "stopped"]), "drift"],
  ["a removal", gone(["running", "removed"]), "drift"],
  [
    "a start of what should be stopped",
    gone(["stopped", "running"], { desired: "stopped" }),
    "drift",
  ],
  ["no transition", gone([], { observed: "exited" }), "nothing"],
  ["drift that stays drift", gone(["exited", "removed"]), "nothing"],
  ["drift that ends", gone(["exited", "running"]), "nothing"],
  ["a crash that was healed within one look", gone(["running", "exited", "running"]), "nothing"],
  ["a restart and then a crash", gone(["running", "exited", "running", "exited"]), "drift"],
  ["what nobody manages", gone(["running", "exited"], { desired: "ignore" }), "nothing"],
  [
    "what nobody manages and flaps",
    gone(["running", "exited"], { desired: "ignore", recentTransitions: 50 }),
    "nothing",
  ],
  ["what is not seen any more", gone(["running", "unknown"]), "nothing"],
  ["what was not seen and has crashed", gone(["unknown", "exited"]), "drift"],
  ["what was declared and never deployed", gone(["unknown", "removed"]), "nothing"],
  ["a crash within the cooldown", gone(["running", "exited"], driftAlert(1)), "nothing"],
  [
    "a crash at the last moment of the cooldown",
    gone(["running", "exited"], driftAlert(cooldownMs - 1)),
    "nothing",
  ],
  [
    "a crash when the cooldown is over",
    gone(["running", "exited"], driftAlert(cooldownMs)),
    "drift",
  ],
  ["a crash after the clock was set back", gone(["running", "exited"], driftAlert(-1)), "drift"],
  [
    "as many transitions as the threshold",
    gone(["exited", "running"], { recentTransitions: 3 }),
    "nothing",
  ],
  [
    "one transition more than the threshold",
    gone(["exited", "running"], { recentTransitions: 4 }),
    "flapping",
  ],
  [
    "flapping that is drift as well",
    gone(["running", "exited"], { recentTransitions: 4 }),
    "flapping",
  ],
  [
    "flapping after an alert of drift, within the cooldown",
    gone(["exited", "running"], { recentTransitions: 4, ...driftAlert(1) }),
    "flapping",
  ],
  [
    "flapping that goes on within the cooldown",
    gone(["exited", "running"], { recentTransitions: 5, ...flapAlert(1) }),
    "nothing",
  ],
  [
    "flapping that goes on when the cooldown is over",
    gone(["exited", "running"], { recentTransitions: 400, ...flapAlert(cooldownMs) }),
    "flapping",
  ],
  [
    "a crash that is no flapping any more, within the cooldown of that",
    gone(["running", "exited"], { recentTransitions: 1, ...flapAlert(1) }),
    "nothing",
  ],
  ["a recovery nobody was alerted before", gone(["exited", "running"]), "nothing", told],
  [
    "a recovery after an alert",
    gone(["exited", "running"], driftAlert(1)),
    "recovered",
    told,
  ],
  ["a recovery after flapping", gone(["exited", "running"], flapAlert(1)), "recovered", told],
  ["a recovery that was told", gone(["exited", "running"], recoveredAlert(1)), "nothing", told],
  ["a recovery nobody wants to hear of", gone(["exited", "running"], driftAlert(1)), "nothing"],
  [
    "a recovery amid flapping",
    gone(["exited", "running"], { recentTransitions: 4, ...flapAlert(1) }),
    "nothing",
    told,
  ],
  [
    "a crash within the cooldown of a recovery",
    gone(["running", "exited"], recoveredAlert(1)),
    "nothing",
    told,
  ],
];
for (const [given, component, expected, change] of cases) {
  Deno.test({
    name: `evaluateAlerts() raises ${expected} given ${given}`,
    permissions: "none",
    fn: () => {
      const alerts = evaluateAlerts([component], { ...thresholds, ...change }, now);
      deepStrictEqual(alerts.map(({ kind }) => kind), expected === "nothing" ? [] : [expected]);
    },
  });
}

Deno.test({
  name: "evaluateAlerts() tells what was, what is, how often and why",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      evaluateAlerts(
        [gone(["running", "exited", "running", "exited", "removed"], { recentTransitions: 9 })],
        thresholds,
        now,
      ),
      [{
        kind: "flapping",
        service: "shop",
        component: "web",
        desired: "running",
        observed: "removed",
        previous: "running",
        transitions: 9,
        cause: "exit code 137 (SIGKILL)",
      }],
    ),
});

Deno.test({
  name: "evaluateAlerts() raises at most one alert per component, each for itself",
  permissions: "none",
  fn: () => {
    const components = [
      gone(["running", "exited"], { component: "web", recentTransitions: 9 }),
      gone(["running", "exited"], { component: "api", ...driftAlert(1) }),
      gone(["running", "exited"], { component: "db" }),
    ];
    deepStrictEqual(
      evaluateAlerts(components, thresholds, now).map(({ component, kind }) => [component, kind]),
      [["web", "flapping"], ["db", "drift"]],
    );
  },
});

/** The table of the design, row by row. */
const driftTable: readonly (readonly [DesiredState, ObservedState, boolean])[] = [
  ["running", "running", false],
  ["running", "stopped", true],
  ["running", "exited", true],
  ["running", "removed", true],
  ["running", "unknown", false],
  ["stopped", "running", true],
  ["stopped", "stopped", false],
  ["stopped", "exited", false],
  ["stopped", "removed", false],
  ["stopped", "unknown", false],
  ...observedStates.map((observed) => ["ignore", observed, false] as const),
];
for (const [desired, observed, expected] of driftTable) {
  Deno.test({
    name: `isDrift() is ${expected} given ${desired} desired and ${observed} observed`,
    permissions: "none",
    fn: () => deepStrictEqual(isDrift(desired, observed), expected),
  });
}

Deno.test({
  name: "evaluateAlerts() raises drift exactly on the way into it, whatever the states",
  permissions: "none",
  fn: () =>
    fc.assert(
      fc.property(
        fc.constantFrom(...desiredStates),
        fc.array(fc.constantFrom(...observedStates), { minLength: 2, maxLength: 4 }),
        (desired, states) => {
          const first = states[0] ?? "unknown";
          const last = states.at(-1) ?? "unknown";
          const isNew = isDrift(desired, last) && !isDrift(desired, first) &&
            !(first === "unknown" && last === "removed");
          const alerts = evaluateAlerts([gone(states, { desired })], thresholds, now);
          deepStrictEqual(alerts.map(({ kind }) => kind), isNew ? ["drift"] : []);
        },
      ),
    ),
});
