import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  type DesiredState,
  desiredStates,
  type EventState,
  type ObservedState,
  observedStates,
} from "../../../lib/domain/state.ts";
import type { ContainerStatus } from "../../runtime/runtime.ts";
import { type Hints, type KnownComponent, type ProcessEvent, reconcile } from "./reconcile.ts";

const now = new Date("2030-01-01T12:00:00Z");
const startedAt = new Date("2030-01-01T11:00:00Z");

function known(change: Partial<KnownComponent> = {}): KnownComponent {
  return {
    service: "shop",
    component: "web",
    container: "shop-web",
    desired: "running",
    observed: "running",
    observedAt: new Date("2030-01-01T11:30:00Z"),
    startedAt,
    ...change,
  };
}

function seen(change: Partial<ContainerStatus> = {}): ContainerStatus {
  return {
    id: "0123456789ab",
    name: "shop-web",
    image: "registry.example/shop-web:v1",
    imageId: "abcdef012345",
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
        actor: "",
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

// --- What was told between two looks ---

/** Seconds after the last look; the next one is 1800 s after it. */
function at(seconds: number): Date {
  return new Date(new Date("2030-01-01T11:30:00Z").getTime() + seconds * 1_000);
}

function died(seconds: number, exitCode = 1): ProcessEvent {
  return { container: "shop-web", at: at(seconds), exitCode };
}

function began(seconds: number): ProcessEvent {
  return { container: "shop-web", at: at(seconds), exitCode: undefined };
}

function hints(change: Partial<Hints>): Hints {
  return { told: [], oomKilled: new Set(), vanished: new Set(), ...change };
}

const exited = seen({ status: "exited", exitCode: 137 });

const told: readonly (readonly [
  string,
  Partial<KnownComponent>,
  ContainerStatus | undefined,
  Partial<Hints>,
  readonly string[],
])[] = [
  ["nothing", {}, seen(), {}, []],
  [
    "a crash and a restart",
    {},
    seen({ startedAt: at(11) }),
    { told: [died(10, 3), began(11)] },
    ["10 running to exited: exit code 3", "11 exited to running: started again"],
  ],
  [
    "a crash, and a restart that is told later",
    {},
    seen({ startedAt: at(11) }),
    { told: [died(10, 3)] },
    ["10 running to exited: exit code 3", "1800 exited to running: started again"],
  ],
  [
    "several crashes in any order",
    {},
    exited,
    { told: [died(30, 137), began(11), died(10), began(21), died(20, 143)] },
    [
      "10 running to exited: exit code 1",
      "11 exited to running: started again",
      "20 running to exited: exit code 143 (SIGTERM)",
      "21 exited to running: started again",
      "30 running to exited: exit code 137 (SIGKILL)",
    ],
  ],
  ["a crash that was seen already", { observed: "exited" }, exited, { told: [died(10)] }, []],
  ["a crash from before the last look", {}, seen(), { told: [died(-1), died(0)] }, []],
  [
    "one crash twice",
    {},
    exited,
    { told: [died(10, 137), died(10, 137)] },
    ["10 running to exited: exit code 137 (SIGKILL)"],
  ],
  [
    "a start that was seen already",
    {},
    seen(),
    { told: [began(10)] },
    [],
  ],
  [
    "a crash of another container",
    {},
    seen(),
    { told: [{ ...died(10), container: "shop-web.previous" }] },
    [],
  ],
  [
    "a crash before anything was seen",
    { observed: "unknown", observedAt: undefined },
    exited,
    { told: [died(10)] },
    ["1800 unknown to exited: exit code 137 (SIGKILL)"],
  ],
  [
    "a crash and a removal",
    {},
    undefined,
    { told: [died(10)] },
    ["10 running to exited: exit code 1", "1800 exited to removed: "],
  ],
  [
    "a start by somebody of what should be stopped, and its end",
    { desired: "stopped", observed: "stopped" },
    exited,
    { told: [began(10), died(20, 0)] },
    ["10 stopped to running: ", "20 running to stopped: exit code 0"],
  ],
  [
    "a later start, and nothing told",
    {},
    seen({ startedAt: at(10) }),
    {},
    ["1800 running to exited: restarted by podman", "1800 exited to running: started again"],
  ],
  [
    "a start within the same second, which the list cannot tell",
    {},
    seen({ startedAt: new Date(startedAt.getTime() + 999) }),
    {},
    [],
  ],
  [
    "an end for want of memory",
    {},
    exited,
    { oomKilled: new Set(["shop-web"]) },
    ["1800 running to exited: exit code 137 (out of memory)"],
  ],
  [
    "an end for want of memory that was told",
    {},
    exited,
    { told: [died(10, 137)], oomKilled: new Set(["shop-web"]) },
    ["10 running to exited: exit code 137 (out of memory)"],
  ],
  [
    "an end for want of memory of another container",
    {},
    exited,
    { oomKilled: new Set(["shop-api"]) },
    ["1800 running to exited: exit code 137 (SIGKILL)"],
  ],
  [
    "a process that has vanished",
    {},
    seen(),
    { vanished: new Set(["shop-web"]) },
    ["1800 running to exited: vanished"],
  ],
  [
    "a process that had vanished before",
    { observed: "exited" },
    seen(),
    { vanished: new Set(["shop-web"]) },
    [],
  ],
  [
    "a process that has vanished where none is wanted",
    { desired: "stopped" },
    seen(),
    { vanished: new Set(["shop-web"]) },
    ["1800 running to stopped: vanished"],
  ],
];
for (const [given, before, container, hinted, expected] of told) {
  Deno.test({
    name: `reconcile() tells what happened in between given ${given}`,
    permissions: "none",
    fn: () => {
      const listing = container === undefined ? [] : [container];
      const { transitions } = reconcile([known(before)], listing, now, hints(hinted));
      deepStrictEqual(
        transitions.map(({ previous, next, at: when, cause }) =>
          `${(when.getTime() - at(0).getTime()) / 1_000} ${previous} to ${next}: ${cause}`
        ),
        expected,
      );
    },
  });
}

Deno.test({
  name: "reconcile() gives no start and no exit code of what has vanished",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      reconcile([known()], [seen()], now, hints({ vanished: new Set(["shop-web"]) })).observations,
      [{
        service: "shop",
        component: "web",
        observed: "exited",
        startedAt: undefined,
        exitCode: undefined,
      }],
    ),
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

const anyTold = fc.array(
  fc.record({
    container: fc.constantFrom(...names),
    at: fc.integer({ min: -100, max: 1_800 }).map(at),
    exitCode: fc.option(fc.constantFrom(0, 1, 137), { nil: undefined }),
  }),
);

Deno.test({
  name: "reconcile() tells a way from what was known to what is seen, without a gap",
  permissions: "none",
  fn: () =>
    fc.assert(fc.property(components, listings, anyTold, (before, listing, events) => {
      const { observations, transitions } = reconcile(
        before,
        listing,
        now,
        hints({ told: events }),
      );
      for (const [place, component] of before.entries()) {
        const own = transitions.filter((each) => each.component === component.component);
        let state: EventState = component.observed;
        for (const { previous, next } of own) {
          strictEqual(previous, state);
          notStrictEqual(next, previous);
          state = next;
        }
        strictEqual(state, observations[place]?.observed);
        deepStrictEqual(
          own.map((each) => each.at.getTime()),
          own.map((each) => each.at.getTime()).sort((a, b) => a - b),
        );
      }
    })),
});

Deno.test({
  name: "reconcile() tells nothing twice that was told twice",
  permissions: "none",
  fn: () =>
    fc.assert(fc.property(components, listings, anyTold, (before, listing, events) => {
      const once = reconcile(before, listing, now, hints({ told: events }));
      const twice = reconcile(before, listing, now, hints({ told: events.flatMap((e) => [e, e]) }));
      deepStrictEqual(twice, once);
    })),
});

Deno.test({
  name: "reconcile() finds nothing new at a second look, once the first is remembered",
  permissions: "none",
  fn: () =>
    fc.assert(fc.property(components, listings, anyTold, (before, listing, events) => {
      const first = reconcile(before, listing, now, hints({ told: events }));
      const remembered: KnownComponent[] = [
        ...before.map((component, at) => ({
          ...component,
          observed: first.observations[at]?.observed ?? component.observed,
          startedAt: first.observations[at]?.startedAt,
          observedAt: now,
        })),
        ...first.discoveries.map((found) =>
          known({ ...found, desired: "ignore", observedAt: now })
        ),
      ];
      // Whatever is told again, it is from before the look.
      const second = reconcile(remembered, listing, now, hints({ told: events }));
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
        const isPrevious = before.some(({ container }) => name === `${container}.previous`);
        strictEqual(containers.includes(name), !isPrevious, name);
      }
    })),
});
