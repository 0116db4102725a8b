import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { containerName, isName } from "../../../lib/domain/names.ts";
import { desiredStates } from "../../../lib/domain/state.ts";
import { type ClaimCandidate, claimsOf } from "./claims.ts";

/** A container that was found under its own name. */
function found(container: string, change: Partial<ClaimCandidate> = {}): ClaimCandidate {
  return {
    container,
    service: container,
    component: container,
    desired: "ignore",
    exists: true,
    ...change,
  };
}

/** "container: component" of what is adopted, "container: why not" of what is refused. */
function plan(
  service: string,
  candidates: readonly ClaimCandidate[],
  managed: readonly string[] = [],
): string[] {
  return claimsOf(service, candidates, managed)
    .map(({ container, component, refusal }) => `${container}: ${refusal ?? component}`);
}

const cases: readonly (readonly [
  string,
  readonly ClaimCandidate[],
  readonly string[],
  (readonly string[])?,
])[] = [
  ["nothing", [], []],
  [
    "a prefix, the service itself and others",
    [found("mcr-api"), found("postgres"), found("mcr"), found("mcr-web"), found("mcrx")],
    ["mcr-api: api", "mcr: mcr", "mcr-web: web"],
  ],
  ["a container that is gone", [found("mcr-api", { exists: false })], []],
  [
    "what is the service's own already",
    [found("mcr-api", { service: "mcr", component: "api", desired: "running" })],
    [],
  ],
  [
    "what is the service's own and stopped",
    [found("mcr-api", { service: "mcr", component: "api", desired: "stopped" })],
    [],
  ],
  [
    "what another service owns",
    [found("mcr-web-api", { service: "mcr-web", component: "api", desired: "running" })],
    ["mcr-web-api: it belongs to mcr-web/api"],
  ],
  [
    "what its labels give to another service",
    [found("mcr-web-api", { service: "mcr-web", component: "api" })],
    ["mcr-web-api: its labels say that it belongs to mcr-web/api"],
  ],
  [
    "what its labels give to the service",
    [found("mcr-api", { service: "mcr", component: "api" })],
    ["mcr-api: api"],
  ],
  [
    "a managed service whose name fits better",
    [found("mcr-web-api"), found("mcr-web"), found("mcr-api")],
    [
      "mcr-web-api: its name fits the service mcr-web better",
      "mcr-web: its name fits the service mcr-web better",
      "mcr-api: api",
    ],
    ["mcr-web", "mcr", "mc"],
  ],
  ["no managed service whose name fits better", [found("mcr-web-api")], ["mcr-web-api: web-api"]],
  [
    "what could be no component",
    [found("mcr-My_db"), found("mcr-"), found("mcr--x"), found("mcr-x.previous")],
    [
      'mcr-My_db: "My_db" cannot name a component',
      'mcr-: "" cannot name a component',
      'mcr--x: "-x" cannot name a component',
      'mcr-x.previous: "x.previous" cannot name a component',
    ],
  ],
  [
    "a component whose container is another",
    [found("mcr-mcr"), found("mcr")],
    ['mcr-mcr: "mcr" cannot name a component', "mcr: mcr"],
  ],
];
for (const [given, candidates, expected, managed] of cases) {
  Deno.test({
    name: `claimsOf() of mcr given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(plan("mcr", candidates, managed), expected),
  });
}

Deno.test({
  name: "claimsOf() of mcr-web takes what mcr was refused",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      plan("mcr-web", [found("mcr-web-api"), found("mcr-web"), found("mcr")], ["mcr"]),
      ["mcr-web-api: api", "mcr-web: mcr-web"],
    ),
});

const part = fc.stringMatching(/^[a-z._-]{0,3}$/);
const candidates = fc.uniqueArray(
  fc.record({
    container: fc.tuple(fc.constantFrom("a", "a-b", "b"), part).map(([name, rest]) => name + rest),
    desired: fc.constantFrom(...desiredStates),
    exists: fc.boolean(),
  }).map(({ container, ...change }) => found(container, change)),
  { selector: ({ container }) => container },
);
Deno.test({
  name: "claimsOf() gives every container a component of its own, whose container it is",
  permissions: "none",
  fn: () =>
    fc.assert(fc.property(candidates, (known) => {
      const adopted = claimsOf("a", known, []).filter(({ refusal }) => refusal === undefined);
      const components = adopted.map(({ component }) => component);
      deepStrictEqual(new Set(components).size, components.length);
      for (const { container, component } of adopted) {
        ok(isName(component));
        deepStrictEqual(containerName("a", component), container);
      }
    })),
});
