import { strictEqual } from "node:assert/strict";
import type { Start } from "../registry/last_start.ts";
import { hasBooted } from "./boot.ts";

const start = (time: string, uptimeSeconds: number): Start => ({
  at: new Date(`2026-03-01T${time}Z`),
  uptimeMs: uptimeSeconds * 1000,
});

const cases: readonly (readonly [string, Start, Start, boolean])[] = [
  ["a minute passed", start("12:00:00", 500), start("12:01:00", 560), false],
  ["uptime is told in whole seconds", start("12:00:00", 500), start("12:01:00", 559), false],
  ["it is up for less long than before", start("12:00:00", 500), start("12:00:30", 20), true],
  [
    "it is up for longer, but not for as long as time has passed",
    start("12:00:00", 20),
    start("12:10:00", 25),
    true,
  ],
  [
    "the clock was set back within one boot",
    start("12:00:00", 500),
    start("11:00:00", 560),
    false,
  ],
  [
    "the clock was set back at a boot",
    start("12:00:00", 500),
    start("11:00:00", 30),
    true,
  ],
  ["nothing passed at all", start("12:00:00", 500), start("12:00:00", 500), false],
];

for (const [given, earlier, now, expected] of cases) {
  Deno.test(`a machine has ${expected ? "" : "not "}booted when ${given}`, () => {
    strictEqual(hasBooted(earlier, now), expected);
  });
}
