import { strictEqual } from "node:assert/strict";
import {
  type DesiredState,
  desiredStates,
  isDrift,
  observedFromPodman,
  type ObservedState,
  observedStates,
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
const drift: Readonly<Record<DesiredState, Readonly<Record<ObservedState, boolean>>>> = {
  running: { running: false, stopped: true, exited: true, removed: true, unknown: false },
  stopped: { running: true, stopped: false, exited: false, removed: false, unknown: false },
  ignore: { running: false, stopped: false, exited: false, removed: false, unknown: false },
};
for (const desired of desiredStates) {
  for (const observed of observedStates) {
    const expected = drift[desired][observed];
    Deno.test({
      name: `isDrift() is ${expected} given ${desired} desired and ${observed} observed`,
      permissions: "none",
      fn: () => strictEqual(isDrift(desired, observed), expected),
    });
  }
}
