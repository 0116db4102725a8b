import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { componentDefaults, type ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { healthCheckDefaults } from "../../../lib/domain/health_check.ts";
import {
  type Candidate,
  decide,
  decideRemoval,
  type Fingerprint,
  fingerprintOf,
  obstacleTo,
  planIdOf,
  whatMoved,
} from "./decide.ts";

const spec: ComponentSpec = {
  ...componentDefaults,
  name: "web",
  image: "registry.example/web:v1",
};
const image = { id: "aa", digest: "sha256:aa" };
const other = { id: "bb", digest: "sha256:bb" };
const manner = { recreate: false, serviceRoot: "/srv" };

/** One that is as it is asked for, but for the change. */
function candidate(change: Partial<Candidate> = {}): Candidate {
  return {
    spec,
    image,
    deployed: { revision: 3, origin: "deploy", spec, image },
    container: {
      id: "c1",
      status: "running",
      exitCode: undefined,
      imageId: "aa",
      labels: { "mcp.revision": "3" },
    },
    sickness: undefined,
    lastDowntimeMs: 2_500,
    ...change,
  };
}

const running = candidate().container;
const ended = (exitCode: number) => running && { ...running, status: "exited", exitCode };
const deployedAs = (change: Partial<ComponentSpec>) => ({
  revision: 3,
  origin: "deploy",
  spec: { ...spec, ...change },
  image,
});

/** action, order, notes, fields that differ. */
type Row = readonly [string, Candidate, string, string, readonly string[], readonly string[]];
const rows: readonly Row[] = [
  ["nothing new", candidate(), "keep", "", [], []],
  [
    "nothing deployed",
    candidate({ deployed: undefined, container: undefined }),
    "create",
    "start-first",
    [],
    ["image"],
  ],
  [
    "a container that is gone",
    candidate({ container: undefined }),
    "create",
    "start-first",
    ["its container is gone"],
    [],
  ],
  [
    "another spec",
    candidate({ spec: { ...spec, env: { TZ: "UTC" } } }),
    "replace",
    "start-first",
    [],
    ["env.TZ"],
  ],
  [
    "a tag that has moved",
    candidate({ image: other }),
    "replace",
    "start-first",
    ["the tag has moved since revision 3"],
    ["image digest"],
  ],
  [
    "another reference of the same image",
    candidate({ spec: { ...spec, image: "registry.example/web:stable" } }),
    "replace",
    "start-first",
    [],
    ["image"],
  ],
  [
    "a container that has ended",
    candidate({ container: ended(137) }),
    "replace",
    "stop-first",
    ["its container is exited with exit code 137"],
    [],
  ],
  [
    "a container that somebody made by hand in its place",
    candidate({ container: running && { ...running, labels: {} } }),
    "replace",
    "start-first",
    ["its container is not the one of revision 3"],
    [],
  ],
  [
    "a container of an earlier revision",
    candidate({ container: running && { ...running, labels: { "mcp.revision": "2" } } }),
    "replace",
    "start-first",
    ["its container is not the one of revision 3"],
    [],
  ],
  [
    "a container that is not as it was deployed",
    candidate({
      drift: [
        { field: "memory", before: "256m", after: "64m" },
        { field: "env.TZ", before: "", after: "UTC" },
      ],
    }),
    "replace",
    "start-first",
    ["its container is not as it was deployed: memory, env.TZ"],
    ["memory", "env.TZ"],
  ],
  [
    "a container whose ports are not those that were deployed",
    candidate({ drift: [{ field: "ports", before: "", after: "80:80" }] }),
    "replace",
    "stop-first",
    ["its container is not as it was deployed: ports"],
    ["ports"],
  ],
  [
    "something new of what is not as it was deployed",
    candidate({
      spec: { ...spec, memory: "1g" },
      drift: [{ field: "memory", before: "", after: "64m" }],
    }),
    "replace",
    "start-first",
    ["its container is not as it was deployed: memory"],
    ["memory"],
  ],
  [
    "an adopted container",
    candidate({
      deployed: { revision: 3, origin: "adopt", spec, image },
      container: running && { ...running, labels: {} },
    }),
    "replace",
    "start-first",
    ["its container was made by hand, and adopted"],
    [],
  ],
  [
    "a container that the registry knows nothing of",
    candidate({ deployed: undefined }),
    "replace",
    "stop-first",
    ["what its container was made from is not known"],
    ["image"],
  ],
  [
    "an unhealthy component",
    candidate({ sickness: "HTTP 500" }),
    "replace",
    "start-first",
    ["it is unhealthy: HTTP 500"],
    [],
  ],
  [
    "a job that has completed",
    candidate({
      spec: { ...spec, kind: "job" },
      deployed: deployedAs({ kind: "job" }),
      container: ended(0),
    }),
    "keep",
    "",
    [],
    [],
  ],
  [
    "a job that has failed",
    candidate({
      spec: { ...spec, kind: "job" },
      deployed: deployedAs({ kind: "job" }),
      container: ended(1),
    }),
    "replace",
    "stop-first",
    ["its container is exited with exit code 1"],
    [],
  ],
  [
    "a service that has ended well",
    candidate({ container: ended(0) }),
    "replace",
    "stop-first",
    ["its container is exited with exit code 0"],
    [],
  ],
  [
    "an image of which the node knows nothing",
    candidate({ image: undefined, spec: { ...spec, pull: "never" }, container: undefined }),
    "create",
    "start-first",
    ["its container is gone", "its image is not on the node"],
    ["pull"],
  ],
  [
    "dependencies and dangerous parts",
    candidate({ spec: { ...spec, dependsOn: ["db"], privileged: true } }),
    "replace",
    "start-first",
    ["depends on db", "privileged = true, which privileged allows"],
    ["depends_on", "privileged"],
  ],
];
for (const [given, about, action, order, notes, fields] of rows) {
  Deno.test({
    name: `decide() says ${action} given ${given}`,
    permissions: "none",
    fn: () => {
      const decision = decide(about, manner);
      deepStrictEqual(
        [decision.action, decision.order ?? "", decision.notes],
        [action, order, notes],
      );
      deepStrictEqual(decision.differences.map(({ field }) => field), fields);
    },
  });
}

Deno.test({
  name: "decide() makes anew what is to be made anew in any case",
  permissions: "none",
  fn: () => {
    const decision = decide(candidate(), { ...manner, recreate: true });
    deepStrictEqual([decision.action, decision.notes], [
      "replace",
      ["it is to be made anew in any case"],
    ]);
  },
});

Deno.test({
  name: "decideRemoval() costs what runs, and nothing else",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      ["running", "exited", undefined].map((status) => decideRemoval("web", status).downtimeReason),
      ["it is removed", "", ""],
    ),
});

/** What both have, what the new one has → what is in its way. */
const obstacles: readonly (readonly [
  string,
  Partial<ComponentSpec>,
  Partial<ComponentSpec>,
  string | undefined,
])[] = [
  ["nothing", {}, {}, undefined],
  [
    "a port in common",
    { ports: ["127.0.0.1:18443:8443"] },
    { ports: ["127.0.0.1:18443:8443"] },
    "port 127.0.0.1:18443 is bound by the old container",
  ],
  [
    "a port on all addresses",
    { ports: ["127.0.0.1:18443:8443"] },
    { ports: ["18443:8443"] },
    "port 18443 is bound by the old container",
  ],
  ["other ports", { ports: ["18443:8443"] }, { ports: ["18444:8443"] }, undefined],
  ["other addresses", { ports: ["10.0.0.1:80:80"] }, { ports: ["10.0.0.2:80:80"] }, undefined],
  ["other protocols", { ports: ["53:53/udp"] }, { ports: ["53:53/tcp"] }, undefined],
  [
    "a folder that both write to",
    { volumes: ["/srv/shop/data:/data"] },
    { volumes: ["/srv/shop/data:/var/data"] },
    "both would write to /srv/shop/data",
  ],
  [
    "a folder in the other's folder",
    { volumes: ["/srv/shop:/data"] },
    { volumes: ["/srv/shop/db:/db"] },
    "both would write to /srv/shop/db",
  ],
  [
    "a volume of podman's that both write to",
    { volumes: ["data:/data"] },
    { volumes: ["data:/data:z"] },
    "both would write to data",
  ],
  [
    "a folder that one only reads",
    { volumes: ["/srv/a:/a:ro"] },
    { volumes: ["/srv/a:/a"] },
    undefined,
  ],
  [
    "the node's network",
    { network: "host" },
    {},
    "it is on the node's own network, whose ports one of them would take",
  ],
  [
    "a network with names",
    {},
    { network: "backend" },
    'on the network "backend" it is found by its name, which one container can have',
  ],
  ["a host name", { hostname: "web" }, { hostname: "web" }, undefined],
  [
    "a device",
    { devices: ["/dev/ttyUSB0:/dev/ttyS0:rw"] },
    { devices: ["/dev/ttyUSB0"] },
    "both would use /dev/ttyUSB0",
  ],
  ["a job", { kind: "job" }, { kind: "job" }, "a job does not run twice at a time"],
];
for (const [given, before, after, expected] of obstacles) {
  Deno.test({
    name: `obstacleTo() starting beside the old container given ${given}: ${expected ?? "none"}`,
    permissions: "none",
    fn: () => strictEqual(obstacleTo({ ...spec, ...before }, { ...spec, ...after }), expected),
  });
}

Deno.test({
  name: "a downtime is told with how long it took last time, and only then",
  permissions: "none",
  fn: () => {
    const ports = ["18443:8443"];
    const bound = decide(
      candidate({ spec: { ...spec, ports, user: "1" }, deployed: deployedAs({ ports }) }),
      manner,
    );
    deepStrictEqual([bound.order, bound.downtimeReason, bound.lastDowntimeMs], [
      "stop-first",
      "port 18443 is bound by the old container",
      2_500,
    ]);
    const free = decide(candidate({ image: other }), manner);
    deepStrictEqual([free.downtimeReason, free.lastDowntimeMs], ["", undefined]);
  },
});

// --- What a plan stands on ---

const plan = (change: Partial<Parameters<typeof fingerprintOf>[0]> = {}): Fingerprint =>
  fingerprintOf({
    service: "shop",
    candidates: [candidate()],
    removals: [],
    recreate: false,
    rollBackTo: undefined,
    ...change,
  });

const changes: readonly (readonly [string, Fingerprint, readonly string[]])[] = [
  [
    "another definition",
    plan({ candidates: [candidate({ spec: { ...spec, user: "1" } })] }),
    ["the definition of web is another"],
  ],
  [
    "another image",
    plan({ candidates: [candidate({ image: other })] }),
    ["the image of web means another digest"],
  ],
  [
    "a container that has ended",
    plan({ candidates: [candidate({ container: ended(1) })] }),
    ["the container of web was running and is exited with exit code 1"],
  ],
  [
    "a component that is unhealthy by now",
    plan({ candidates: [candidate({ sickness: "HTTP 500" })] }),
    ["web is unhealthy"],
  ],
  [
    "a container that differs by now from what was deployed",
    plan({ candidates: [candidate({ drift: [{ field: "memory", before: "", after: "64m" }] })] }),
    ["the container of web differs otherwise from what was deployed"],
  ],
  [
    "another component",
    plan({ candidates: [candidate(), candidate({ spec: { ...spec, name: "api" } })] }),
    [
      "other components are concerned",
      "the definition of api is another",
      "the image of api means another digest",
      "api was deployed meanwhile, as revision 3",
      "api has another container",
      "the container of api was gone and is running",
      "api is not known to be unhealthy",
    ],
  ],
  ["something else asked", plan({ recreate: true }), ["something else is asked for"]],
  [
    "another removal",
    plan({ removals: [{ component: "old", containerId: "x" }] }),
    ["other components are concerned"],
  ],
];
for (const [given, now, expected] of changes) {
  Deno.test({
    name: `a plan has another id given ${given}, and it is said what moved`,
    permissions: "none",
    fn: () => {
      notStrictEqual(planIdOf(now), planIdOf(plan()));
      deepStrictEqual(whatMoved(plan(), now), expected);
    },
  });
}

Deno.test({
  name: "a plan's id is that of an equal plan, and what is not seen does not matter",
  permissions: "none",
  fn: () => {
    const same = plan({ candidates: [candidate({ lastDowntimeMs: 1 })] });
    strictEqual(planIdOf(same), planIdOf(plan()));
  },
});

Deno.test({
  name: "decide() keeps a component exactly when nothing differs, whatever the spec",
  permissions: "none",
  fn: () => {
    const specs = fc.record({
      user: fc.constantFrom("", "1000"),
      ports: fc.constantFrom([], ["18443:8443"]),
      volumes: fc.constantFrom([], ["/srv/shop:/data"]),
      env: fc.constantFrom({}, { A: "1" }, { A: "2" }),
      memory: fc.constantFrom("", "64m"),
      healthcheck: fc.constantFrom(undefined, {
        probe: { kind: "exec" as const, command: ["true"] },
        ...healthCheckDefaults,
      }),
    });
    fc.assert(
      fc.property(specs, specs, (before, after) => {
        const decision = decide(
          candidate({ spec: { ...spec, ...after }, deployed: deployedAs(before) }),
          manner,
        );
        const isSame = JSON.stringify(before) === JSON.stringify(after);
        strictEqual(decision.action, isSame ? "keep" : "replace");
        strictEqual(decision.differences.length === 0, isSame);
        strictEqual(decision.order === "start-first", !isSame && decision.downtimeReason === "");
      }),
    );
  },
});
