import { strictEqual } from "node:assert/strict";
import {
  type DesiredState,
  desiredStates,
  type EventState,
  eventStates,
  isDrift,
  observedFromPodman,
  type ObservedState,
} from "./state.ts";

/** What podman says → what is observed when running, stopped and ignore are desired. */
const words: readonly (readonly [string, ObservedState, ObservedState, ObservedState])[] = [
  ["running", "running", "running", "running"],
  ["created", "stopped", "stopped", "stopped"],
  ["configured", "stopped", "stopped", "stopped"],
  ["initialized", "stopped", "stopped", "stopped"],
  ["paused", "stopped", "stopped", "stopped"],
  ["stopping", "stopped", "stopped", "stopped"],
  ["exited", "exited", "stopped", "exited"],
  ["stopped", "exited", "stopped", "exited"],
  ["dead", "exited", "exited", "exited"],
  ["restarting", "exited", "exited", "exited"],
  ["removing", "removed", "removed", "removed"],
  ["removed", "removed", "removed", "removed"],
  ["", "unknown", "unknown", "unknown"],
  ["levitating", "unknown", "unknown", "unknown"],
  ["Running", "running", "running", "running"],
  ["Exited", "exited", "stopped", "exited"],
];
for (const [word, ...observed] of words) {
  Deno.test({
    name: `observedFromPodman() given ${JSON.stringify(word)}`,
    permissions: "none",
    fn: () => {
      for (const [at, desired] of (["running", "stopped", "ignore"] as const).entries()) {
        strictEqual(observedFromPodman(word, desired), observed[at], `desired ${desired}`);
      }
    },
  });
}

/** Every pair of states; a row is what is desired, a column what is observed. */
const drift: Readonly<Record<DesiredState, Readonly<Record<EventState, boolean>>>> = {
  running: {
    running: false,
    stopped: true,
    exited: true,
    removed: true,
    unknown: false,
    unhealthy: true,
  },
  stopped: {
    running: true,
    stopped: false,
    exited: false,
    removed: false,
    unknown: false,
    unhealthy: true,
  },
  ignore: {
    running: false,
    stopped: false,
    exited: false,
    removed: false,
    unknown: false,
    unhealthy: false,
  },
};
for (const desired of desiredStates) {
  for (const observed of eventStates) {
    const expected = drift[desired][observed];
    Deno.test({
      name: `isDrift() is ${expected} given ${desired} desired and ${observed} observed`,
      permissions: "none",
      fn: () => strictEqual(isDrift(desired, observed), expected),
    });
  }
}

/** How a job ended, if it did → whether that is drift when it is wanted running. */
for (
  const [observed, exitCode, expected] of [
    ["exited", 0, false],
    ["exited", 1, true],
    ["exited", undefined, true],
    ["running", undefined, false],
    ["removed", undefined, true],
  ] as const
) {
  Deno.test({
    name: `isDrift() is ${expected} of a job that is ${observed} with exit code ${exitCode}`,
    permissions: "none",
    fn: () => strictEqual(isDrift("running", observed, { exitCode }), expected),
  });
}
