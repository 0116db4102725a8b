import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  type DesiredState,
  desiredStates,
  type ObservedState,
  observedStates,
} from "../../lib/domain/state.ts";
import type { ContainerStatus } from "../runtime/runtime.ts";
import { type KnownComponent, reconcile } from "./reconcile.ts";

const now = new Date("2030-01-01T12:00:00Z");
const startedAt = new Date("2030-01-01T11:00:00Z");

function known(change: Partial<KnownComponent> = {}): KnownComponent {
  return {
    service: "shop",
    component: "web",
    container: "shop-web",
    desired: "running",
    observed: "running",
    ...change,
  };
}

function seen(change: Partial<ContainerStatus> = {}): ContainerStatus {
  return {
    id: "0123456789ab",
    name: "shop-web",
    image: "registry.example/shop-web:v1",
    status: "running",
    exitCode: undefined,
    startedAt,
    labels: {},
    ...change,
  };
}

/** podman's word, what is desired, what is then observed: every row of the table of states. */
const rows: readonly (readonly [string | undefined, DesiredState, ObservedState])[] = [
  ["running", "running", "running"],
  ["running", "stopped", "running"],
  ["running", "ignore", "running"],
  ["created", "running", "stopped"],
  ["configured", "running", "stopped"],
  ["initialized", "running", "stopped"],
  ["paused", "running", "stopped"],
  ["stopping", "running", "stopped"],
  ["exited", "stopped", "stopped"],
  ["stopped", "stopped", "stopped"],
  ["exited", "running", "exited"],
  ["stopped", "running", "exited"],
  ["exited", "ignore", "exited"],
  ["dead", "running", "exited"],
  ["dead", "stopped", "exited"],
  ["restarting", "running", "exited"],
  ["restarting", "stopped", "exited"],
  [undefined, "running", "removed"],
  [undefined, "stopped", "removed"],
  [undefined, "ignore", "removed"],
];
for (const [status, desired, observed] of rows) {
  Deno.test({
    name: `reconcile() observes ${observed} given ${
      status ?? "no container"
    } and ${desired} desired`,
    permissions: "none",
    fn: () => {
      const listing = status === undefined ? [] : [seen({ status, exitCode: 3 })];
      const { observations, discoveries, transitions } = reconcile(
        [known({ desired, observed: "unknown" })],
        listing,
        now,
      );
      deepStrictEqual(observations, [{
        service: "shop",
        component: "web",
        observed,
        startedAt: observed === "running" ? startedAt : undefined,
        exitCode: observed === "exited" ? 3 : undefined,
      }]);
      deepStrictEqual(discoveries, []);
      deepStrictEqual(transitions, [{
        service: "shop",
        component: "web",
        previous: "unknown",
        next: observed,
        at: now,
        cause: observed === "exited" ? "exit code 3" : "",
      }]);
    },
  });
}

Deno.test({
  name: "reconcile() finds no transition where nothing has changed",
  permissions: "none",
  fn: () => deepStrictEqual(reconcile([known()], [seen()], now).transitions, []),
});

Deno.test({
  name: "reconcile() gives one observation per known component, in the order given",
  permissions: "none",
  fn: () => {
    const components = ["web", "api", "db"].map((component) =>
      known({ component, container: `shop-${component}` })
    );
    deepStrictEqual(
      reconcile(components, [seen({ name: "shop-db" })], now).observations
        .map(({ component, observed }) => `${component} ${observed}`),
      ["web removed", "api removed", "db running"],
    );
  },
});

Deno.test({
  name: "reconcile() discovers a container nobody told of under its own name",
  permissions: "none",
  fn: () => {
    const { discoveries, transitions } = reconcile([], [
      seen({ name: "postgres", status: "exited", exitCode: 137 }),
    ], now);
    deepStrictEqual(discoveries, [{
      service: "postgres",
      component: "postgres",
      container: "postgres",
      image: "registry.example/shop-web:v1",
      observed: "exited",
      startedAt: undefined,
      exitCode: 137,
    }]);
    deepStrictEqual(transitions, []);
  },
});

const labels = { "mcp.service": "shop", "mcp.component": "web" };

Deno.test({
  name: "reconcile() discovers a container of ours by its labels when the registry forgot it",
  permissions: "none",
  fn: () => {
    const [found] = reconcile([], [seen({ labels })], now).discoveries;
    deepStrictEqual([found?.service, found?.component], ["shop", "web"]);
  },
});

Deno.test({
  name: "reconcile() does not let labels claim a container of another name",
  permissions: "none",
  fn: () => {
    const [found] = reconcile([], [seen({ name: "intruder", labels })], now).discoveries;
    deepStrictEqual([found?.service, found?.component], ["intruder", "intruder"]);
  },
});

Deno.test({
  name: "reconcile() leaves the container that a rollout set aside to that rollout",
  permissions: "none",
  fn: () => {
    const listing = [seen(), seen({ name: "shop-web.previous", status: "exited" })];
    deepStrictEqual(reconcile([known()], listing, now).discoveries, []);
  },
});

Deno.test({
  name: "reconcile() discovers a container that only looks as if it had been set aside",
  permissions: "none",
  fn: () => {
    const [found] =
      reconcile([known()], [seen(), seen({ name: "mail.previous" })], now).discoveries;
    strictEqual(found?.container, "mail.previous");
  },
});

const names = ["shop-web", "shop-web.previous", "shop-api", "shop", "mail.previous", "postgres"];
const listings = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...names),
    status: fc.constantFrom(
      ...[
        "running",
        "created",
        "paused",
        "exited",
        "stopped",
        "dead",
        "restarting",
        "removing",
        "",
      ],
    ),
    exitCode: fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
    startedAt: fc.option(fc.constant(startedAt), { nil: undefined }),
    labels: fc.constantFrom({}, labels),
  }).map((change) => seen(change)),
  { selector: ({ name }) => name },
);
const components = fc.uniqueArray(
  fc.record({
    component: fc.constantFrom("web", "api", "shop"),
    desired: fc.constantFrom(...desiredStates),
    observed: fc.constantFrom(...observedStates),
  }).map((change) =>
    known({
      ...change,
      container: change.component === "shop" ? "shop" : `shop-${change.component}`,
    })
  ),
  { selector: ({ component }) => component },
);

Deno.test({
  name: "reconcile() finds nothing new at a second look, once the first is remembered",
  permissions: "none",
  fn: () =>
    fc.assert(fc.property(components, listings, (before, listing) => {
      const first = reconcile(before, listing, now);
      const remembered: KnownComponent[] = [
        ...before.map((component, at) => ({
          ...component,
          observed: first.observations[at]?.observed ?? component.observed,
        })),
        ...first.discoveries.map((found) => known({ ...found, desired: "ignore" })),
      ];
      const second = reconcile(remembered, listing, now);
      deepStrictEqual([second.transitions, second.discoveries], [[], []]);
    })),
});

Deno.test({
  name: "reconcile() takes every listed container for exactly one component, or for set aside",
  permissions: "none",
  fn: () =>
    fc.assert(fc.property(components, listings, (before, listing) => {
      const { discoveries } = reconcile(before, listing, now);
      const containers = [...before, ...discoveries].map(({ container }) => container);
      strictEqual(new Set(containers).size, containers.length);
      for (const { name } of listing) {
        const isAside = before.some(({ container }) => name === `${container}.previous`);
        strictEqual(containers.includes(name), !isAside, name);
      }
    })),
});
