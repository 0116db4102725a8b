import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { componentDefaults, type ComponentSpec } from "../../../lib/domain/component_spec.ts";
import type { ServiceSpec } from "../../../lib/domain/service_spec.ts";
import {
  type DesiredState,
  desiredStates,
  type ObservedState,
  observedStates,
} from "../../../lib/domain/state.ts";
import { type KnownService, planSync } from "./sync.ts";

function component(name: string, change: Partial<ComponentSpec> = {}): ComponentSpec {
  return {
    ...componentDefaults,
    name,
    image: `registry.example/${name}:v1`,
    ...change,
  };
}

function spec(active: boolean, ...components: readonly ComponentSpec[]): ServiceSpec {
  return { name: "shop", active, components };
}

type Known = readonly [ComponentSpec, DesiredState, ObservedState];

function known(active: boolean, ...components: readonly Known[]): KnownService {
  return {
    active,
    components: components.map(([spec, desired, observed]) => ({ spec, desired, observed })),
  };
}

const web = component("web");
const api = component("api");
const serving: Known = [web, "running", "running"];

const cases: readonly (readonly [
  string,
  ServiceSpec,
  KnownService | undefined,
  string,
  { readonly changed: boolean; readonly stops: boolean },
])[] = [
  ["a new service", spec(true, web, api), undefined, "new, active", {
    changed: true,
    stops: false,
  }],
  ["a new service that is inactive", spec(false, web), undefined, "new, inactive", {
    changed: true,
    stops: false,
  }],
  [
    "a service of which only something unmanaged is known",
    spec(true, web),
    known(true, [component("shop"), "ignore", "running"]),
    "new, active",
    { changed: true, stops: false },
  ],
  ["what is known", spec(true, web), known(true, serving), "up to date", {
    changed: false,
    stops: false,
  }],
  [
    "what is known and has crashed",
    spec(true, web),
    known(true, [web, "running", "exited"]),
    "up to date",
    { changed: false, stops: false },
  ],
  [
    "a component more",
    spec(true, web, api),
    known(true, serving),
    "api added",
    { changed: true, stops: false },
  ],
  [
    "a component that has changed",
    spec(true, component("web", { cmd: ["serve"] })),
    known(true, serving),
    "web changed",
    { changed: true, stops: false },
  ],
  [
    "a service that becomes inactive",
    spec(false, web),
    known(true, serving),
    "now inactive; web now wanted stopped",
    { changed: true, stops: true },
  ],
  [
    "a service that becomes inactive between two restarts by podman",
    spec(false, web),
    known(true, [web, "running", "exited"]),
    "now inactive; web now wanted stopped",
    { changed: true, stops: true },
  ],
  [
    "a service that becomes active",
    spec(true, web),
    known(false, [web, "stopped", "stopped"]),
    "now active; web now wanted running",
    { changed: true, stops: false },
  ],
  [
    "an inactive service somebody has started",
    spec(false, web),
    known(false, [web, "stopped", "running"]),
    "up to date",
    { changed: false, stops: true },
  ],
  [
    "an inactive service that is stopped",
    spec(false, web),
    known(false, [web, "stopped", "stopped"]),
    "up to date",
    { changed: false, stops: false },
  ],
  [
    "a component less",
    spec(true, web),
    known(true, serving, [api, "running", "running"]),
    "up to date; api no longer listed, and left to the next deploy of the service",
    { changed: false, stops: false },
  ],
  [
    "everything at once",
    spec(true, component("web", { image: "registry.example/web:v2" }), component("db")),
    known(false, [web, "stopped", "stopped"], [api, "stopped", "stopped"]),
    "now active; db added; web changed; web now wanted running; " +
    "api no longer listed, and left to the next deploy of the service",
    { changed: true, stops: false },
  ],
];
for (const [given, pushed, before, summary, { changed, stops }] of cases) {
  Deno.test({
    name: `planSync() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(planSync(pushed, before), { changed, summary, stops }),
  });
}

for (
  const [field, change] of Object.entries(
    {
      image: { image: "registry.example/web:v2" },
      network: { network: "mcpnet" },
      user: { user: "0:0" },
      restart: { restart: "always" },
      ports: { ports: ["80:80"] },
      volumes: { volumes: ["/srv/shop:/data"] },
      cmd: { cmd: ["a"] },
    } satisfies Partial<Record<keyof ComponentSpec, Partial<ComponentSpec>>>,
  )
) {
  Deno.test({
    name: `planSync() sees that ${field} has changed`,
    permissions: "none",
    fn: () => {
      const pushed = spec(true, component("web", change));
      strictEqual(planSync(pushed, known(true, serving)).summary, "web changed");
    },
  });
}

const components = fc.uniqueArray(fc.constantFrom("web", "api", "db"), { minLength: 1 });
Deno.test({
  name: "planSync() finds a spec up to date once it was taken",
  permissions: "none",
  fn: () =>
    fc.assert(
      fc.property(
        fc.boolean(),
        components,
        fc.array(fc.constantFrom(...observedStates), { minLength: 3, maxLength: 3 }),
        (active, names, states) => {
          const pushed = spec(active, ...names.map((name) => component(name)));
          const taken = known(
            active,
            ...pushed.components.map((each, at): Known => [
              each,
              active ? "running" : "stopped",
              states[at] ?? "unknown",
            ]),
          );
          const { changed, summary, stops } = planSync(pushed, taken);
          deepStrictEqual([changed, summary], [false, "up to date"]);
          strictEqual(stops, !active && states.slice(0, names.length).includes("running"));
        },
      ),
    ),
});

Deno.test({
  name: "planSync() never stops what should be active, and never what nobody manages",
  permissions: "none",
  fn: () =>
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.constantFrom(...desiredStates),
        fc.constantFrom(...observedStates),
        (active, desired, observed) => {
          const { stops } = planSync(spec(active, web), known(true, [web, desired, observed]));
          if (active || desired === "ignore") strictEqual(stops, false);
        },
      ),
    ),
});
