/**
 * Guards of what is believed of the containers, and of what is told.
 *
 * @module
 */

import type { Mutant } from "../mutant.ts";

const alertRules = "agent/watch/monitor/alert_rules_test.ts";
const observing = "tests/component/observe_test.ts";

export const watch: readonly Mutant[] = [
  {
    name: "desired-and-observed-swapped",
    guard: "Drift is what is seen beside what is wanted, and not the other way round",
    file: "lib/domain/state.ts",
    find: `if (desired === "stopped") return observed === "running" ||`,
    put: `if (observed === "stopped") return desired === "running" ||`,
    tests: { paths: ["lib/domain/state_test.ts"] },
  },
  {
    name: "unknown-is-drift",
    guard: "What is not known is no drift",
    file: "lib/domain/state.ts",
    find: `if (desired === "ignore" || observed === "unknown") return false;`,
    put: `if (desired === "ignore") return false;`,
    tests: { paths: ["lib/domain/state_test.ts"] },
  },
  {
    name: "silent-podman-overwrites",
    guard: "When podman cannot be asked, no state is overwritten",
    file: "agent/watch/reconcile/observe.ts",
    find: "const listing = await runtime.list();",
    put: "const listing = await runtime.list().catch(() => []);",
    tests: { paths: [observing], filter: "overwrites nothing" },
  },
  {
    name: "moving-component-judged",
    guard: "A look says nothing of a component that a rollout is moving",
    file: "agent/watch/reconcile/observe.ts",
    find: "if (locks.touchedSince(mark, seen.service, seen.component)) moving",
    put: "if (mark < 0) moving",
    tests: { paths: [observing], filter: "a look" },
  },
  {
    name: "restart-not-noticed",
    guard: "A container that podman has restarted between two looks has changed its state",
    file: "agent/watch/reconcile/reconcile.ts",
    find: "return seconds(container.startedAt) > seconds(component.startedAt);",
    put: "return false;",
    tests: { paths: ["agent/watch/reconcile/reconcile_test.ts"] },
  },
  {
    name: "cooldown-ignored",
    guard: "A component that was alerted is kept quiet about for the cooldown",
    file: "agent/watch/monitor/alert_rules.ts",
    find: "lastAlert !== undefined && isWithin(lastAlert.at, cooldownMs, now);",
    put: "false;",
    tests: { paths: [alertRules] },
  },
  {
    name: "flapping-one-too-soon",
    guard: "More transitions than the threshold are flapping, and not as many",
    file: "agent/watch/monitor/alert_rules.ts",
    find: "component.recentTransitions > flapThreshold",
    put: "component.recentTransitions >= flapThreshold",
    tests: { paths: [alertRules] },
  },
  {
    name: "alert-not-remembered",
    guard: "An alert is remembered before its command runs",
    file: "agent/watch/monitor/alerter.ts",
    find: "appendAlert(registry, { service, component, kind, at: now });",
    put: "",
    tests: { paths: ["tests/component/monitor_test.ts"], filter: "drift is alerted again" },
  },
  {
    name: "alert-command-gets-all",
    guard:
      "The alert command gets the variables of its alert, and nothing of the agent's environment",
    file: "agent/watch/monitor/alert_command.ts",
    find: "{ timeoutMs, signal, env,",
    put: "{ timeoutMs, signal, env: { ...Deno.env.toObject(), ...env },",
    tests: { paths: ["tests/component/monitor_test.ts"], filter: "an alert command" },
  },
  {
    name: "moving-component-sick",
    guard: "A bad answer of a component that is being moved counts for nothing",
    file: "agent/watch/probes/prober.ts",
    find:
      "// It may have been another container that answered.\n    if (locks.touchedSince(mark, record.service, spec.name)) return;",
    put: "",
    tests: { paths: ["tests/component/prober_test.ts"], filter: "counts for nothing" },
  },
  {
    name: "events-without-bound",
    guard: "Of events that nobody looks at, no more are kept than a bound",
    file: "agent/watch/reconcile/observe.ts",
    find: "if (this.#told.size >= mostTold) return;",
    put: "",
    tests: { paths: [observing], filter: "a thousand deaths" },
  },
  {
    name: "bad-look-ends-the-watch",
    guard: "The monitor goes on after a look that has failed",
    file: "agent/watch/monitor/monitor.ts",
    find: 'log.monitor.error("Cannot look at the containers: {reason}", {',
    put: 'throw error; log.monitor.error("Cannot look at the containers: {reason}", {',
    tests: { paths: ["tests/component/monitor_test.ts"], filter: "a day:" },
  },
];
