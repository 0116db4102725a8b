import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { componentDefaults, type ComponentSpec } from "../../../lib/domain/component_spec.ts";
import {
  planDeploy,
  planImage,
  planRecovery,
  planRemake,
  planRemove,
  planRestart,
  planStart,
  planStartAfterBoot,
  planStop,
  type PlanSubject,
} from "./plan.ts";
import { type ComponentPlan, formatStep, type Pull, type Step } from "./steps.ts";

const image = "registry.example/shop-web:v2";
const spec: ComponentSpec = {
  ...componentDefaults,
  name: "web",
  image,
  network: "mcpnet",
  user: "0:0",
  restart: "unless-stopped",
  ports: ["127.0.0.1:18443:8443"],
  volumes: [],
  cmd: ["serve"],
};
const target = { spec, revision: 7 };
const version = { from: "v1", to: "v2" };

function subject(change: Partial<PlanSubject> = {}): PlanSubject {
  return {
    node: "rift",
    service: "shop",
    component: "web",
    container: "shop-web",
    status: undefined,
    hasPrevious: false,
    serviceRoot: "/srv",
    ...change,
  };
}

/** A plan as it is reviewed: one line per step, each part under its name, empty parts left out. */
function textOf(plan: Reviewed): string {
  const part = (name: string, steps: readonly (Step | Pull)[]) =>
    steps.length === 0 ? [] : [`${name}:`, ...steps.map((step) => `  ${formatStep(step)}`)];
  return [
    ...part("prepare", plan.prepare),
    ...part("change", plan.change),
    ...part("fall back", plan.fallBack),
    ...part("tidy", plan.tidy),
    `summary: ${plan.summary}`,
  ].join("\n");
}

/** A plan with the fetching of its image, which comes before it. */
type Reviewed = Omit<ComponentPlan, "prepare"> & { readonly prepare: readonly (Step | Pull)[] };

/** The plan to deploy, as a rollout goes about it. */
function fetchAndDeploy(...args: Parameters<typeof planDeploy>): Reviewed {
  const plan = planDeploy(...args);
  const [_subject, { spec: wanted }] = args;
  return { ...plan, prepare: [...planImage(wanted, false), ...plan.prepare] };
}

const deploys: readonly (readonly [string, () => Reviewed, string])[] = [
  [
    "no container",
    () => fetchAndDeploy(subject(), target, { from: "", to: "v2" }),
    `prepare:
  pull registry.example/shop-web:v2
change:
  run shop-web from registry.example/shop-web:v2
  prove shop-web
fall back:
  remove shop-web
summary: created v2`,
  ],
  [
    "a running container",
    () => fetchAndDeploy(subject({ status: "running" }), target, version),
    `prepare:
  pull registry.example/shop-web:v2
  rename shop-web to shop-web.previous
change:
  stop shop-web.previous
  run shop-web from registry.example/shop-web:v2
  prove shop-web
fall back:
  remove shop-web
  rename shop-web.previous to shop-web
  start shop-web
tidy:
  remove shop-web.previous
summary: replaced v1 by v2`,
  ],
  [
    "an ended container, which going back does not start",
    () => fetchAndDeploy(subject({ status: "exited" }), target, version),
    `prepare:
  pull registry.example/shop-web:v2
  rename shop-web to shop-web.previous
change:
  stop shop-web.previous
  run shop-web from registry.example/shop-web:v2
  prove shop-web
fall back:
  remove shop-web
  rename shop-web.previous to shop-web
tidy:
  remove shop-web.previous
summary: replaced v1 by v2`,
  ],
  [
    "a running container and one left over from an earlier rollout",
    () => fetchAndDeploy(subject({ status: "running", hasPrevious: true }), target, version),
    `prepare:
  pull registry.example/shop-web:v2
  remove shop-web.previous
  rename shop-web to shop-web.previous
change:
  stop shop-web.previous
  run shop-web from registry.example/shop-web:v2
  prove shop-web
fall back:
  remove shop-web
  rename shop-web.previous to shop-web
  start shop-web
tidy:
  remove shop-web.previous
summary: replaced v1 by v2`,
  ],
  [
    "only the container that an earlier rollout could not put back",
    () => fetchAndDeploy(subject({ hasPrevious: true }), target, version),
    `prepare:
  pull registry.example/shop-web:v2
change:
  stop shop-web.previous
  run shop-web from registry.example/shop-web:v2
  prove shop-web
fall back:
  remove shop-web
  rename shop-web.previous to shop-web
  start shop-web
tidy:
  remove shop-web.previous
summary: replaced v1 by v2`,
  ],
  [
    "an image that exists on the node only",
    () =>
      fetchAndDeploy(
        subject({ status: "running" }),
        { spec: { ...spec, image: "localhost/shop-web:v2" }, revision: 7 },
        version,
      ),
    `prepare:
  rename shop-web to shop-web.previous
change:
  stop shop-web.previous
  run shop-web from localhost/shop-web:v2
  prove shop-web
fall back:
  remove shop-web
  rename shop-web.previous to shop-web
  start shop-web
tidy:
  remove shop-web.previous
summary: replaced v1 by v2`,
  ],
  [
    "volumes in and outside of the service's folder, one of them twice",
    () =>
      fetchAndDeploy(
        subject(),
        {
          spec: {
            ...spec,
            volumes: [
              "/srv/shop:/srv/shop",
              "/srv/shop/data/db:/data",
              "/srv/shop/data/db:/copy:ro",
              "/srv/shopping:/other",
              "/srv/other/data:/theirs",
              "/etc/ssl:/etc/ssl:ro",
              "cache:/cache",
            ],
          },
          revision: 7,
        },
        { from: "", to: "v2" },
      ),
    `prepare:
  pull registry.example/shop-web:v2
  make folders /srv/shop /srv/shop/data/db
change:
  run shop-web from registry.example/shop-web:v2
  prove shop-web
fall back:
  remove shop-web
summary: created v2`,
  ],
  [
    "a container that is gone and is to be started",
    () =>
      planStart(
        subject(),
        { spec: { ...spec, volumes: ["/srv/shop/data:/data"] }, revision: 7 },
      ),
    `prepare:
  make folders /srv/shop/data
change:
  run shop-web from registry.example/shop-web:v2
  prove shop-web
fall back:
  remove shop-web
summary: created again v2`,
  ],
  [
    "a container that is gone and is to be restarted",
    () => planRestart(subject(), target),
    `change:
  run shop-web from registry.example/shop-web:v2
  prove shop-web
fall back:
  remove shop-web
summary: created again v2`,
  ],
  [
    "a container to be started of which only the one set aside is there",
    () => planStart(subject({ hasPrevious: true }), target),
    `change:
  stop shop-web.previous
  run shop-web from registry.example/shop-web:v2
  prove shop-web
fall back:
  remove shop-web
  rename shop-web.previous to shop-web
  start shop-web
tidy:
  remove shop-web.previous
summary: created again v2`,
  ],
  [
    "a boot, and a container that is there",
    () => planStartAfterBoot(subject({ status: "exited" }), target),
    `change:
  start shop-web
summary: started`,
  ],
  [
    "a boot, and a container that cannot be started",
    () => planRemake(subject({ status: "exited" }), target),
    `prepare:
  rename shop-web to shop-web.previous
change:
  stop shop-web.previous
  run shop-web from registry.example/shop-web:v2
  prove shop-web
fall back:
  remove shop-web
  rename shop-web.previous to shop-web
tidy:
  remove shop-web.previous
summary: created again v2`,
  ],
  [
    "a component that the definition dropped",
    () => planRemove(subject({ status: "running" })),
    `change:
  stop shop-web
  remove shop-web
summary: removed: the definition no longer lists it`,
  ],
  [
    "a component that the definition dropped and that has no container",
    () => planRemove(subject()),
    `summary: removed: the definition no longer lists it`,
  ],
  [
    "an interrupted rollout whose container proved itself",
    () =>
      planRecovery(subject({ status: "running", hasPrevious: true }), {
        proved: true,
        wanted: true,
      }),
    `change:
  remove shop-web.previous
summary: finished tidying up`,
  ],
  [
    "an interrupted rollout whose container did not prove itself",
    () =>
      planRecovery(subject({ status: "running", hasPrevious: true }), {
        proved: false,
        wanted: true,
      }),
    `change:
  remove shop-web
  rename shop-web.previous to shop-web
  start shop-web
summary: put the previous container back`,
  ],
  [
    "an interrupted rollout that had made no container yet",
    () => planRecovery(subject({ hasPrevious: true }), { proved: false, wanted: true }),
    `change:
  rename shop-web.previous to shop-web
  start shop-web
summary: put the previous container back`,
  ],
  [
    "an interrupted rollout whose previous container podman is still stopping",
    () =>
      planRecovery(subject({ hasPrevious: true }), {
        proved: false,
        wanted: true,
        previousStatus: "stopping",
      }),
    `change:
  stop shop-web.previous
  rename shop-web.previous to shop-web
  start shop-web
summary: put the previous container back`,
  ],
  [
    "an interrupted rollout of a component that should be stopped",
    () => planRecovery(subject({ hasPrevious: true }), { proved: false, wanted: false }),
    `change:
  rename shop-web.previous to shop-web
summary: put the previous container back`,
  ],
  [
    "a running container that nothing keeps the new one from starting beside",
    () => fetchAndDeploy(subject({ status: "running" }), target, version, "start-first"),
    `prepare:
  pull registry.example/shop-web:v2
change:
  run shop-web.next from registry.example/shop-web:v2
  prove shop-web.next
  rename shop-web to shop-web.previous
  rename shop-web.next to shop-web
fall back:
  remove shop-web.next
  put back shop-web.previous as shop-web
tidy:
  stop shop-web.previous
  remove shop-web.previous
summary: replaced v1 by v2`,
  ],
  [
    "a running container, what earlier rollouts left of both kinds, and room beside",
    () =>
      fetchAndDeploy(
        subject({ status: "running", hasPrevious: true, hasNext: true }),
        target,
        version,
        "start-first",
      ),
    `prepare:
  pull registry.example/shop-web:v2
  remove shop-web.next
  remove shop-web.previous
change:
  run shop-web.next from registry.example/shop-web:v2
  prove shop-web.next
  rename shop-web to shop-web.previous
  rename shop-web.next to shop-web
fall back:
  remove shop-web.next
  put back shop-web.previous as shop-web
tidy:
  stop shop-web.previous
  remove shop-web.previous
summary: replaced v1 by v2`,
  ],
  [
    "an ended container, which keeps nobody from serving",
    () => fetchAndDeploy(subject({ status: "exited" }), target, version, "start-first"),
    `prepare:
  pull registry.example/shop-web:v2
  rename shop-web to shop-web.previous
change:
  stop shop-web.previous
  run shop-web from registry.example/shop-web:v2
  prove shop-web
fall back:
  remove shop-web
  rename shop-web.previous to shop-web
tidy:
  remove shop-web.previous
summary: replaced v1 by v2`,
  ],
  [
    "a job that an earlier rollout could not put back, which going back does not run again",
    () =>
      fetchAndDeploy(
        subject({ hasPrevious: true, current: { ...spec, kind: "job" } }),
        { spec: { ...spec, kind: "job" }, revision: 7 },
        version,
      ),
    `prepare:
  pull registry.example/shop-web:v2
change:
  stop shop-web.previous
  run shop-web from registry.example/shop-web:v2
  prove shop-web
fall back:
  remove shop-web
  rename shop-web.previous to shop-web
tidy:
  remove shop-web.previous
summary: replaced v1 by v2`,
  ],
  [
    "an interrupted rollout that had made a container beside the one that serves",
    () =>
      planRecovery(subject({ status: "running", hasNext: true }), { proved: false, wanted: true }),
    `change:
  remove shop-web.next
summary: removed a container that had not proved itself`,
  ],
  [
    "an interrupted rollout between the two changes of names",
    () =>
      planRecovery(subject({ hasPrevious: true, hasNext: true }), {
        proved: false,
        wanted: true,
        previousStatus: "running",
      }),
    `change:
  remove shop-web.next
  rename shop-web.previous to shop-web
  start shop-web
summary: put the previous container back`,
  ],
  [
    "an interrupted rollout that had changed the names and remembered it",
    () =>
      planRecovery(subject({ status: "running", hasPrevious: true }), {
        proved: true,
        wanted: true,
        previousStatus: "running",
      }),
    `change:
  stop shop-web.previous
  remove shop-web.previous
summary: finished tidying up`,
  ],
];
for (const [given, plan, text] of deploys) {
  Deno.test({
    name: `the plan given ${given}`,
    permissions: "none",
    fn: () => strictEqual(textOf(plan()), text),
  });
}

/** podman's word → what start, restart and stop do about it. */
const lifecycles: readonly (readonly [string, string, string, string])[] = [
  ["running", "already running", "restart, prove: restarted", "stop: stopped"],
  ["created", "start, prove: started", "restart, prove: restarted", "already stopped"],
  ["initialized", "start, prove: started", "restart, prove: restarted", "stop: stopped"],
  ["exited", "start, prove: started", "restart, prove: restarted", "already stopped"],
  ["stopped", "start, prove: started", "restart, prove: restarted", "already stopped"],
  ["dead", "start, prove: started", "restart, prove: restarted", "already stopped"],
  ["paused", "start, prove: started", "restart, prove: restarted", "stop: stopped"],
  ["stopping", "start, prove: started", "restart, prove: restarted", "stop: stopped"],
  ["restarting", "start, prove: started", "restart, prove: restarted", "stop: stopped"],
  ["removing", "start, prove: started", "restart, prove: restarted", "stop: stopped"],
];
for (const [status, start, restart, stop] of lifecycles) {
  Deno.test({
    name: `planStart(), planRestart() and planStop() given a container that is ${status}`,
    permissions: "none",
    fn: () => {
      const given = subject({ status });
      deepStrictEqual(
        [planStart(given, target), planRestart(given, target), planStop(given)].map((plan) => {
          deepStrictEqual([plan.prepare, plan.fallBack, plan.tidy], [[], [], []]);
          const steps = plan.change.map(({ action }) => action).join(", ");
          return steps === "" ? plan.summary : `${steps}: ${plan.summary}`;
        }),
        [start, restart, stop],
      );
    },
  });
}

Deno.test({
  name: "planStop() takes a container that is gone for stopped",
  permissions: "none",
  fn: () => strictEqual(textOf(planStop(subject())), "summary: already stopped"),
});

for (
  const [from, to, summary] of [
    ["v1", "v2", "replaced v1 by v2"],
    ["v2", "v2", "replaced v2"],
    ["", "", "replaced"],
    ["", "v2", "replaced the old one by v2"],
    ["v1", "", "replaced v1 by the new one"],
  ] as const
) {
  Deno.test({
    name: `planDeploy() says it ${summary}`,
    permissions: "none",
    fn: () =>
      strictEqual(
        planDeploy(subject({ status: "running" }), target, { from, to }).summary,
        summary,
      ),
  });
}

Deno.test({
  name: "planDeploy() labels the container with what it is and which revision made it",
  permissions: "none",
  fn: () => {
    const run = planDeploy(subject(), target, version).change.find((step) => step.action === "run");
    deepStrictEqual(run?.container, {
      name: "shop-web",
      spec,
      labels: {
        "mcp.service": "shop",
        "mcp.component": "web",
        "mcp.node": "rift",
        "mcp.revision": "7",
      },
      pull: "never",
    });
  },
});

Deno.test({
  name: "planStart() fetches the image of a container that is gone, planDeploy() has it already",
  permissions: "none",
  fn: () => {
    const pulls = [planStart(subject(), target), planDeploy(subject(), target, version)]
      .map((plan) =>
        plan.change.flatMap((step) => step.action === "run" ? step.container.pull : [])
      );
    deepStrictEqual(pulls, [["missing"], ["never"]]);
  },
});

Deno.test({
  name: "planDeploy() never removes what has the component's name before it is set aside",
  permissions: "none",
  fn: () => {
    for (const status of [undefined, "running", "exited", "paused"]) {
      for (const hasPrevious of [true, false]) {
        const plan = planDeploy(subject({ status, hasPrevious }), target, version);
        const removed = [...plan.prepare, ...plan.change]
          .flatMap((step) => step.action === "remove" ? step.container : []);
        for (const container of removed) match(container, /\.previous$/);
        // The way back removes the component's container: by then it must be the new one.
        const renamed = plan.prepare.some((step) => step.action === "rename");
        strictEqual(renamed, status !== undefined);
      }
    }
  },
});

Deno.test({
  name: "planDeploy() makes equal plans of equal arguments",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      planDeploy(subject({ status: "running" }), target, version),
      planDeploy(subject({ status: "running" }), target, version),
    ),
});

/** The policy, whether the node has the image, and whether it is fetched. */
const pulls: readonly (readonly [ComponentSpec["pull"], boolean, boolean])[] = [
  ["always", false, true],
  ["always", true, true],
  ["missing", false, true],
  ["missing", true, false],
  ["never", false, false],
  ["never", true, false],
];
for (const [pull, isOnNode, expected] of pulls) {
  const given = `pull = "${pull}" and an image that is ${isOnNode ? "" : "not "}on the node`;
  Deno.test({
    name: `planImage() fetches ${expected ? "it" : "nothing"} given ${given}`,
    permissions: "none",
    fn: () => {
      const steps = planImage({ image, pull }, isOnNode);
      deepStrictEqual(steps, expected ? [{ action: "pull", image }] : []);
      deepStrictEqual(planImage({ image: "localhost/web:v1", pull }, isOnNode), []);
    },
  });
}

Deno.test({
  name: "every plan stops a container with the grace that its own spec gives it",
  permissions: "none",
  fn: () => {
    const current = { ...spec, stopTimeoutMs: 90_000 };
    const given = subject({ status: "running", current });
    const plans = [
      planStop(given),
      planRemove(given),
      planDeploy(given, target, version),
      planDeploy(given, target, version, "start-first"),
      planRecovery({ ...given, hasPrevious: true }, {
        proved: true,
        wanted: true,
        previousStatus: "running",
      }),
    ];
    const graces = plans.map(({ change, tidy }) =>
      [...change, ...tidy].flatMap((step) => step.action === "stop" ? step.graceMs : [])
    );
    deepStrictEqual(graces, plans.map(() => [90_000]));
    const restart = planRestart(given, { spec: current, revision: 7 }).change[0];
    strictEqual(restart?.action === "restart" && restart.graceMs, 90_000);
  },
});
