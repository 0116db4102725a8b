import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { ComponentView } from "../agents/service_view.ts";
import {
  driftNext,
  formatAge,
  formatField,
  formatInstant,
  observedSinceSpan,
  observedSpan,
} from "./services.ts";

const now = new Date("2026-03-01T12:00:00Z");
const component: ComponentView = {
  name: "api",
  image: "registry.example/mcr:v1",
  version: "v1",
  container: "mcr-api",
  desired: "running",
  observed: "running",
  lastObserved: undefined,
  observedAt: new Date("2026-03-01T11:57:00Z"),
  startedAt: undefined,
  exitCode: undefined,
  stateSince: undefined,
  revision: undefined,
  imageDigest: "",
  tagMoved: false,
};

for (
  const [given, change, span] of [
    ["what should run and runs", {}, { text: "running", tone: "good" }],
    ["a crash", { observed: "exited", exitCode: 137 }, { text: "exited (137)", tone: "bad" }],
    ["what should be stopped and is", { desired: "stopped", observed: "exited" }, {
      text: "exited",
      tone: "faint",
    }],
    ["what is left alone", { desired: "ignore" }, { text: "running", tone: "faint" }],
    ["a runtime that cannot be asked", { observed: "unknown", lastObserved: "running" }, {
      text: "unknown (running 3m ago)",
      tone: "warn",
    }],
    ["what was never seen", { observed: "unknown", observedAt: undefined }, {
      text: "unknown",
      tone: "warn",
    }],
  ] as const
) {
  Deno.test({
    name: `observedSpan() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(observedSpan({ ...component, ...change }, now), span),
  });
}

for (
  const [desired, observed, command] of [
    ["running", "exited", "mcp start mcr"],
    ["running", "stopped", "mcp start mcr"],
    ["running", "removed", "mcp deploy mcr/api"],
    ["stopped", "running", "mcp stop mcr"],
    ["running", "unhealthy", "mcp restart mcr"],
    ["running", "running", "mcp deploy mcr/api"],
    ["stopped", "removed", "mcp deploy mcr/api"],
  ] as const
) {
  Deno.test({
    name: `driftNext() of ${observed} that should be ${desired} is \`${command}\``,
    permissions: "none",
    fn: () =>
      strictEqual(driftNext({ service: "mcr", component: "api", desired, observed }), command),
  });
}

for (
  const [given, field, text] of [
    [
      "another value",
      { field: "env.TZ", found: "UTC", deployed: "CET" },
      'env.TZ is "UTC", deployed as "CET"',
    ],
    [
      "something more",
      { field: "ports", found: "80:80", deployed: "" },
      'ports is "80:80", deployed without',
    ],
    [
      "something less",
      { field: "memory", found: "", deployed: "1g" },
      'memory is not there, deployed as "1g"',
    ],
    [
      "what no definition says",
      { field: "unexpressed", found: "--sysctl", deployed: "" },
      "has what no definition says: --sysctl",
    ],
    [
      "a long value of several lines",
      { field: "env.KEY", found: `-----\n${"x".repeat(100)}`, deployed: "" },
      `env.KEY is "-----\\n${"x".repeat(54)}…", deployed without`,
    ],
  ] as const
) {
  Deno.test({
    name: `formatField() given ${given}`,
    permissions: "none",
    fn: () => strictEqual(formatField(field), text),
  });
}

Deno.test({
  name: "formatAge() of what another clock calls the future is none",
  permissions: "none",
  fn: () => strictEqual(formatAge(new Date("2026-03-01T12:00:03Z"), now), "0s"),
});

for (
  const [given, change, text] of [
    ["what runs", {}, "running 3h 5m"],
    ["a crash", { observed: "exited", exitCode: 137 }, "exited (137) 3h 5m"],
    ["a state that nobody can see", { observed: "unknown" }, "unknown"],
    ["an agent that does not say since when", { stateSince: undefined }, "running"],
  ] as const
) {
  Deno.test({
    name: `observedSinceSpan() given ${given}`,
    permissions: "none",
    fn() {
      const stateSince = new Date("2026-03-01T08:55:00Z");
      const span = observedSinceSpan({ ...component, stateSince, ...change }, now);
      strictEqual(typeof span === "string" ? span : span.text, text);
    },
  });
}

Deno.test({
  name: "formatInstant() is to the second, and in UTC",
  permissions: "none",
  fn: () =>
    strictEqual(formatInstant(new Date("2026-03-01T12:00:00.987Z")), "2026-03-01 12:00:00Z"),
});
