import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { Adoption } from "../../agent/change/adoption/adoption.ts";
import { getService } from "../../agent/registry/services.ts";
import type { Decision } from "../../agent/change/rollout/decide.ts";
import type { DeployOptions, Watcher } from "../../agent/change/rollout/deploy.ts";
import type { ComponentSpec } from "../../lib/domain/component_spec.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import { McpError } from "../../lib/errors.ts";
import { ada, componentSpec, RolloutTrial, serviceSpec } from "../support/rollout_trial.ts";

const web1 = "registry.example/web:v1";
const web2 = "registry.example/web:v2";
const api1 = "registry.example/api:v1";
const shop1 = serviceSpec("shop", componentSpec("web", web1), componentSpec("api", api1));
const shop2 = serviceSpec("shop", componentSpec("web", web2), componentSpec("api", api1));

/** What `RollOut` asks for by itself. */
const rollOut: DeployOptions = { keepUnchanged: true, mayStartFirst: true };

async function serving(): Promise<RolloutTrial> {
  const trial = await RolloutTrial.start([web1, web2, api1]);
  await trial.rollout.deploy(shop1, undefined, ada);
  trial.runtime.calls.length = 0;
  return trial;
}

/** "component action", with the order where something is started. */
function textOf(decisions: readonly Decision[]): string[] {
  return decisions.map(({ component, action, order }) => `${component} ${action} ${order ?? ""}`);
}

async function refusalOf(call: Promise<unknown>): Promise<McpError> {
  let refusal: unknown;
  await rejects(call, (error) => (refusal = error, true));
  ok(refusal instanceof McpError, Deno.inspect(refusal));
  return refusal;
}

Deno.test("a plan of a service that was never deployed creates all of it, and changes nothing", async () => {
  await using trial = await RolloutTrial.start([web1, api1]);
  const { decisions } = await trial.rollout.plan(shop1, undefined, { recreate: false });
  deepStrictEqual(textOf(decisions), ["web create start-first", "api create start-first"]);
  deepStrictEqual(decisions[0]?.differences, [{ field: "image", before: "", after: web1 }]);
  match(decisions[0]?.imageDigest ?? "", /^sha256:[0-9a-f]{64}$/);
  deepStrictEqual([trial.components("shop"), trial.revisions("shop")], [[], []]);
  deepStrictEqual(await trial.containers(), []);
});

Deno.test("a plan keeps what is as it is asked for and shows what differs of the rest", async () => {
  await using trial = await serving();
  const { decisions } = await trial.rollout.plan(shop2, undefined, { recreate: false });
  deepStrictEqual(textOf(decisions), ["web replace start-first", "api keep "]);
  const [web] = decisions;
  deepStrictEqual(web?.differences[0], { field: "image", before: web1, after: web2 });
  strictEqual(web?.downtimeReason, "");
  deepStrictEqual(trial.revisions("shop").length, 1);
});

Deno.test("a plan asks the runtime once for the containers, how they were made, and the images", async () => {
  await using trial = await serving();
  await trial.rollout.plan(shop1, undefined, { recreate: false });
  deepStrictEqual(trial.runtime.calls.map((call) => call.split(" ")[0]), [
    "list",
    "pull",
    "pull",
    "describeAll",
    "inspectImages",
  ]);
  trial.runtime.calls.length = 0;
  await trial.rollout.plan(shop1, undefined, { recreate: false });
  ok(!trial.runtime.calls.some((call) => call.startsWith("describeAll")), "it was known");
});

/** Somebody has made the container anew, with the labels of the one that was deployed. */
async function madeByHand(
  { runtime }: RolloutTrial,
  change: { readonly restart?: string; readonly ports?: readonly string[] },
): Promise<void> {
  runtime.removeByHand("shop-web");
  await runtime.runByHand("shop-web", {
    image: web1,
    restart: "unless-stopped",
    labels: { "mcp.service": "shop", "mcp.component": "web", "mcp.revision": "1" },
    ...change,
  });
}

Deno.test("a container that is not as it was deployed is replaced, and the plan says what of it", async () => {
  await using trial = await RolloutTrial.start([web1, api1]);
  trial.runtime.build(web1);
  const shop = serviceSpec(
    "shop",
    componentSpec("web", web1, { pull: "never" }),
    componentSpec("api", api1),
  );
  await trial.rollout.deploy(shop, undefined, ada);
  await madeByHand(trial, { restart: "always" });
  const { planId, decisions } = await trial.rollout.plan(shop, undefined, { recreate: false });
  deepStrictEqual(textOf(decisions), ["web replace start-first", "api keep "]);
  deepStrictEqual(decisions[0]?.differences, [
    { field: "restart", before: "always", after: "unless-stopped" },
  ]);
  deepStrictEqual(decisions[0]?.notes, ["its container is not as it was deployed: restart"]);

  const { outcomes } = await trial.rollout.deploy(shop, undefined, ada, { ...rollOut, planId });
  deepStrictEqual(outcomes.map(({ verdict }) => verdict), ["running", "kept"]);
  strictEqual((await trial.runtime.describe("shop-web", "web")).spec.restart, "unless-stopped");
  const again = await trial.rollout.deploy(shop, undefined, ada, rollOut);
  deepStrictEqual(again.outcomes.map(({ verdict }) => verdict), ["kept", "kept"]);
});

Deno.test("a container that may be in the way of the new one, because it is not as it was deployed, is stopped first", async () => {
  await using trial = await RolloutTrial.start([web1, api1]);
  trial.runtime.build(web1);
  const web = componentSpec("web", web1, { pull: "never" });
  await trial.rollout.deploy(serviceSpec("shop", web), undefined, ada);
  await madeByHand(trial, { ports: ["18080:8080"] });
  const wanted = serviceSpec("shop", { ...web, ports: ["18080:8080"] });
  const { decisions } = await trial.rollout.plan(wanted, undefined, { recreate: false });
  deepStrictEqual(textOf(decisions), ["web replace stop-first"]);
  strictEqual(
    decisions[0]?.downtimeReason,
    "the old container uses something else than it was deployed with: ports",
  );
  const { outcomes } = await trial.rollout.deploy(wanted, undefined, ada, rollOut);
  deepStrictEqual(outcomes.map(({ verdict }) => verdict), ["running"]);
});

Deno.test("a plan is told that a tag has moved", async () => {
  await using trial = await serving();
  trial.runtime.publish(web1);
  const { decisions } = await trial.rollout.plan(shop1, undefined, { recreate: false });
  deepStrictEqual(textOf(decisions), ["web replace start-first", "api keep "]);
  deepStrictEqual(decisions[0]?.notes, ["the tag has moved since revision 1"]);
  strictEqual(decisions[0]?.differences[0]?.field, "image digest");
  const { outcomes } = await trial.rollout.deploy(shop1, undefined, ada, rollOut);
  deepStrictEqual(outcomes.map(({ verdict }) => verdict), ["running", "kept"]);
});

Deno.test("what is carried out is what was planned, and nothing is fetched again", async () => {
  await using trial = await serving();
  const { planId } = await trial.rollout.plan(shop2, undefined, { recreate: false });
  trial.runtime.calls.length = 0;
  const { outcomes } = await trial.rollout.deploy(shop2, undefined, ada, { ...rollOut, planId });
  deepStrictEqual(outcomes.map(({ verdict }) => verdict), ["running", "kept"]);
  ok(!trial.runtime.calls.some((call) => call.startsWith("pull")), trial.runtime.calls.join("\n"));
  deepStrictEqual(await trial.containers(), ["shop-api running v1", "shop-web running v2"]);
});

Deno.test("equal questions make equal plans", async () => {
  await using trial = await serving();
  const ids = [];
  for (const spec of [shop2, shop2, shop1]) {
    ids.push((await trial.rollout.plan(spec, undefined, { recreate: false })).planId);
  }
  ids.push((await trial.rollout.plan(shop2, undefined, { recreate: true })).planId);
  ids.push((await trial.rollout.plan(shop2, "web", { recreate: false })).planId);
  strictEqual(ids[0], ids[1]);
  strictEqual(new Set(ids).size, 4);
});

interface Move {
  readonly what: string;
  readonly move: (trial: RolloutTrial) => void | Promise<void>;
  readonly told: RegExp;
}

const moves: readonly Move[] = [
  {
    what: "a component was stopped by hand",
    move: ({ runtime }) => runtime.stopByHand("shop-api"),
    told: /^the container of api was running and is exited with exit code 0$/,
  },
  {
    what: "a container was removed by hand",
    move: ({ runtime }) => runtime.removeByHand("shop-api"),
    told: /^api has another container; the container of api was running and is gone$/,
  },
  {
    what: "somebody has deployed meanwhile",
    move: async ({ rollout }) => void await rollout.deploy(shop1, "web", ada),
    told: /web was deployed meanwhile, as revision 2; web has another container/,
  },
  {
    what: "a container was replaced by hand with another of its labels",
    move: (trial) => madeByHand(trial, { ports: ["18081:8080"] }),
    told:
      /^web has another container; the container of web differs otherwise from what was deployed$/,
  },
  {
    what: "the image was fetched anew",
    move: async ({ runtime }) => {
      runtime.publish(web2);
      await runtime.pull(web2);
    },
    told: /^the image of web means another digest$/,
  },
];
for (const { what, move, told } of moves) {
  Deno.test(`a plan does not hold any more when ${what}, and nothing is changed`, async () => {
    await using trial = await serving();
    const { planId } = await trial.rollout.plan(shop2, undefined, { recreate: false });
    await move(trial);
    const before = [trial.components("shop"), trial.revisions("shop"), await trial.containers()];
    const refusal = await refusalOf(
      trial.rollout.deploy(shop2, undefined, ada, { ...rollOut, planId }),
    );
    deepStrictEqual(
      [refusal.kind, refusal.message, refusal.hint],
      [
        "conflict",
        `Cannot deploy "shop" as planned: the plan ${planId} does not hold any more`,
        "Run `mcp plan shop` again",
      ],
    );
    match(refusal.details.join("; "), told);
    deepStrictEqual(
      [trial.components("shop"), trial.revisions("shop"), await trial.containers()],
      before,
    );
  });
}

Deno.test("a plan holds after the agent has started again, and is refused all the same if it does not", async () => {
  await using trial = await serving();
  const { planId } = await trial.rollout.plan(shop2, undefined, { recreate: false });
  await trial.startAgain();
  const other = await refusalOf(
    trial.rollout.deploy(shop1, undefined, ada, { ...rollOut, planId }),
  );
  deepStrictEqual(other.details, ["what it was made for is not known any more"]);
  const { outcomes } = await trial.rollout.deploy(shop2, undefined, ada, { ...rollOut, planId });
  strictEqual(outcomes.every(({ success }) => success), true);
});

Deno.test("a rollout in which nothing changes moves nothing, and is remembered as that", async () => {
  await using trial = await serving();
  const before = (await trial.runtime.list()).map(({ id }) => id);
  const { revision, outcomes } = await trial.rollout.deploy(shop1, undefined, ada, rollOut);
  deepStrictEqual(
    outcomes.map(({ success, verdict, summary }) => [success, verdict, summary]),
    [
      [true, "kept", "kept v1: it is as it was asked for"],
      [true, "kept", "kept v1: it is as it was asked for"],
    ],
  );
  deepStrictEqual((await trial.runtime.list()).map(({ id }) => id), before);
  strictEqual(revision, 2);
  strictEqual(trial.revisions("shop").at(-1), "2 kept: web kept, api kept");
  deepStrictEqual(trial.components("shop")[0], "web wants running, seen running, deployed v1 by 1");
  // And again: what was kept is still what the first deploy made.
  const again = await trial.rollout.deploy(shop1, undefined, ada, rollOut);
  deepStrictEqual(again.outcomes.map(({ verdict }) => verdict), ["kept", "kept"]);
});

for (
  const [given, arrange] of [
    ["has ended", ({ runtime }: RolloutTrial) => runtime.stopByHand("shop-web")],
    ["is gone", ({ runtime }: RolloutTrial) => runtime.removeByHand("shop-web")],
  ] as const
) {
  Deno.test(`a component is not kept whose container ${given}`, async () => {
    await using trial = await serving();
    arrange(trial);
    const { outcomes } = await trial.rollout.deploy(shop1, undefined, ada, rollOut);
    deepStrictEqual(outcomes.map(({ verdict }) => verdict), ["running", "kept"]);
    deepStrictEqual(await trial.containers(), ["shop-api running v1", "shop-web running v1"]);
  });
}

Deno.test("a plan says how long it took last time, where that was measured", async () => {
  await using trial = await RolloutTrial.start([web1, web2]);
  const spec = (image: string) =>
    serviceSpec("shop", componentSpec("web", image, { ports: ["18080:8080"] }));
  await trial.rollout.deploy(spec(web1), undefined, ada);
  const first = await trial.rollout.plan(spec(web2), undefined, { recreate: false });
  deepStrictEqual(
    first.decisions.map(({ order, downtimeReason, lastDowntimeMs }) => [
      order,
      downtimeReason,
      lastDowntimeMs,
    ]),
    [["stop-first", "port 18080 is bound by the old container", undefined]],
  );
  await trial.rollout.deploy(spec(web2), undefined, ada, rollOut);
  const second = await trial.rollout.plan(spec(web1), undefined, { recreate: false });
  // The settle window, by the clock of this test.
  strictEqual(second.decisions[0]?.lastDowntimeMs, 3_000);
});

Deno.test("what the definition no longer lists is planned to be removed", async () => {
  await using trial = await serving();
  const web = serviceSpec("shop", componentSpec("web", web1));
  const { decisions } = await trial.rollout.plan(web, undefined, { recreate: false });
  deepStrictEqual(textOf(decisions), ["web keep ", "api remove "]);
  strictEqual(decisions[1]?.downtimeReason, "it is removed");
});

Deno.test("what the node does not allow is refused before anything is fetched", async () => {
  await using trial = await RolloutTrial.start([web1]);
  const spec = serviceSpec(
    "shop",
    componentSpec("web", web1, { network: "host", volumes: ["/etc/ssl:/etc/ssl:ro"] }),
  );
  for (
    const call of [
      () => trial.rollout.plan(spec, undefined, { recreate: false }),
      () => trial.rollout.deploy(spec, undefined, ada),
    ]
  ) {
    const refusal = await refusalOf(call());
    deepStrictEqual([refusal.kind, refusal.details, refusal.hint], [
      "invalid",
      [
        'web: network = "host" needs "host_network"',
        'web: volumes has /etc/ssl:/etc/ssl:ro needs "host_mounts"',
      ],
      'Add "host_network", "host_mounts" to allow in [agent] of the node\'s mcp-agent.toml, and restart the agent',
    ]);
  }
  deepStrictEqual([trial.runtime.calls, trial.revisions("shop")], [[], []]);
  trial.allow.push("host_network", "host_mounts");
  const { decisions } = await trial.rollout.plan(spec, undefined, { recreate: false });
  deepStrictEqual(decisions[0]?.notes, [
    'network = "host", which host_network allows',
    "volumes has /etc/ssl:/etc/ssl:ro, which host_mounts allows",
  ]);
  const { outcomes } = await trial.rollout.deploy(spec, undefined, ada);
  strictEqual(outcomes[0]?.success, true);
});

const broad = { volumes: ["/etc/ssl:/etc/ssl:ro"] };

/** What is refused of each: the plan and the deploy. */
async function refusedOf(trial: RolloutTrial, spec: ServiceSpec): Promise<readonly string[]> {
  const { details } = await refusalOf(trial.rollout.plan(spec, undefined, { recreate: false }));
  const refusal = await refusalOf(trial.rollout.deploy(spec, undefined, ada));
  deepStrictEqual(refusal.details, details);
  return details;
}

Deno.test("what an adopted container has already can be deployed without the node's leave, and nothing beside it", async () => {
  await using trial = await RolloutTrial.start([web1, web2]);
  const { registry, runtime, observer, locks, clock } = trial;
  await runtime.runByHand("shop-web", { image: web1, ...broad });
  const recovered = () => Promise.resolve();
  await new Adoption({ registry, runtime, observer, locks, clock, recovered })
    .adopt("shop", { dryRun: false, actor: "ada" });
  const [declared] = getService(registry, "shop")?.components ?? [];
  ok(declared !== undefined);
  const found = serviceSpec("shop", declared.spec);
  deepStrictEqual(found.components[0]?.volumes, broad.volumes);

  const more = { ...declared.spec, devices: ["/dev/ttyUSB0"] };
  deepStrictEqual(await refusedOf(trial, serviceSpec("shop", more)), [
    'web: devices has /dev/ttyUSB0 needs "devices"',
  ]);
  const writable = { ...declared.spec, volumes: ["/etc/ssl:/etc/ssl"] };
  deepStrictEqual(await refusedOf(trial, serviceSpec("shop", writable)), [
    'web: volumes has /etc/ssl:/etc/ssl needs "host_mounts"',
  ]);
  const beside = serviceSpec("shop", declared.spec, componentSpec("api", web2, broad));
  deepStrictEqual(await refusedOf(trial, beside), [
    'api: volumes has /etc/ssl:/etc/ssl:ro needs "host_mounts"',
  ]);

  const { decisions } = await trial.rollout.plan(found, undefined, { recreate: false });
  deepStrictEqual(decisions.map(({ action }) => action), ["replace"]);
  const { outcomes } = await trial.rollout.deploy(found, undefined, ada, rollOut);
  deepStrictEqual(outcomes.map(({ error }) => error), [""]);
});

Deno.test("what was deployed when the node allowed it can be deployed again, and not taken up again later", async () => {
  await using trial = await RolloutTrial.start([web1, web2]);
  const spec = (image: string, change: Partial<ComponentSpec>) =>
    serviceSpec("shop", componentSpec("web", image, change));
  trial.allow.push("host_mounts");
  await trial.rollout.deploy(spec(web1, broad), undefined, ada);
  trial.allow.pop();
  const { outcomes } = await trial.rollout.deploy(spec(web2, broad), undefined, ada);
  deepStrictEqual(outcomes.map(({ error }) => error), [""]);
  // Given up once, it is new.
  await trial.rollout.deploy(spec(web2, {}), undefined, ada);
  const needs = ['web: volumes has /etc/ssl:/etc/ssl:ro needs "host_mounts"'];
  deepStrictEqual(await refusedOf(trial, spec(web2, broad)), needs);
  const back = await refusalOf(trial.rollout.rollBack("shop", 1, undefined, ada, rollOut));
  deepStrictEqual([back.kind, back.details], ["invalid", needs]);
});

Deno.test("a rollback goes back to the very image of then, whatever its tag means by now", async () => {
  await using trial = await RolloutTrial.start([web1]);
  const spec = serviceSpec("shop", componentSpec("web", web1, { env: { COLOUR: "red" } }));
  await trial.rollout.deploy(spec, undefined, ada);
  const image = (await trial.runtime.inspect("shop-web"))?.imageId;
  trial.runtime.publish(web1);
  const blue = serviceSpec("shop", componentSpec("web", web1, { env: { COLOUR: "blue" } }));
  await trial.rollout.deploy(blue, undefined, ada);
  ok(image !== (await trial.runtime.inspect("shop-web"))?.imageId);

  const plan = await trial.rollout.planRollBack("shop", 1, undefined, { recreate: false });
  deepStrictEqual(plan.decisions[0]?.differences.map(({ field }) => field), [
    "env.COLOUR",
    "image digest",
  ]);
  const { planId } = plan;
  const { revision, outcomes } = await trial.rollout.rollBack("shop", 1, undefined, ada, {
    ...rollOut,
    planId,
  });
  deepStrictEqual([revision, outcomes.map(({ verdict }) => verdict)], [3, ["running"]]);
  strictEqual((await trial.runtime.inspect("shop-web"))?.imageId, image);
  strictEqual((await trial.runtime.describe("shop-web", "web")).spec.env["COLOUR"], "red");
  deepStrictEqual(trial.components("shop"), ["web wants running, seen running, deployed v1 by 3"]);
  // It is as it was asked for: nothing is left to go back to.
  const again = await trial.rollout.rollBack("shop", 1, undefined, ada, rollOut);
  deepStrictEqual(again.outcomes.map(({ verdict }) => verdict), ["kept"]);
});

Deno.test("a rollback to an image that is gone everywhere changes nothing, and says so", async () => {
  await using trial = await RolloutTrial.start([web1, web2]);
  await trial.rollout.deploy(serviceSpec("shop", componentSpec("web", web1)), undefined, ada);
  await trial.rollout.deploy(serviceSpec("shop", componentSpec("web", web2)), undefined, ada);
  trial.runtime.removeImage(web1);
  trial.runtime.unpublish(web1);
  const { outcomes } = await trial.rollout.rollBack("shop", 1, undefined, ada, rollOut);
  strictEqual(outcomes[0]?.verdict, "failed");
  match(
    outcomes[0]?.error ?? "",
    /^Cannot pull the image "registry.example\/web@sha256:.*; nothing was changed$/,
  );
  deepStrictEqual(await trial.containers(), ["shop-web running v2"]);
});

Deno.test("a rollback to a deploy that failed is refused", async () => {
  await using trial = await serving();
  trial.runtime.publish(web2, { exit: { code: 1, afterMs: 0 } });
  await trial.rollout.deploy(shop2, "web", ada);
  const refusal = await refusalOf(trial.rollout.rollBack("shop", 2, undefined, ada, rollOut));
  deepStrictEqual([refusal.kind, refusal.message], [
    "conflict",
    'Cannot go back to revision 2 of "shop": nothing of it ever ran',
  ]);
  deepStrictEqual(await trial.containers(), ["shop-api running v1", "shop-web running v1"]);
});

Deno.test("a rollback removes what came later, and refuses what never was", async () => {
  await using trial = await RolloutTrial.start([web1, api1]);
  const web = serviceSpec("shop", componentSpec("web", web1));
  await trial.rollout.deploy(web, undefined, ada);
  await trial.rollout.deploy(shop1, undefined, ada, rollOut);
  const { outcomes } = await trial.rollout.rollBack("shop", 1, undefined, ada, rollOut);
  deepStrictEqual(outcomes.map(({ component, verdict }) => [component, verdict]), [
    ["web", "kept"],
    ["api", "removed"],
  ]);
  deepStrictEqual(await trial.containers(), ["shop-web running v1"]);
  const unknown = await refusalOf(trial.rollout.rollBack("shop", 9, undefined, ada, rollOut));
  deepStrictEqual([unknown.kind, unknown.message, unknown.hint], [
    "not_found",
    'There is no revision 9 of "shop"',
    "Run `mcp history shop` for those there are",
  ]);
});

Deno.test("an image that pull = never leaves to others is missed before anything is disturbed", async () => {
  await using trial = await serving();
  const spec = serviceSpec(
    "shop",
    componentSpec("web", "registry.example/web:v9", { pull: "never" }),
  );
  const { outcomes } = await trial.rollout.deploy(spec, "web", ada);
  deepStrictEqual(
    [outcomes[0]?.verdict, outcomes[0]?.error],
    [
      "failed",
      'Cannot deploy "web": the image "registry.example/web:v9" is not on the node; nothing was changed',
    ],
  );
  deepStrictEqual(await trial.containers(), ["shop-api running v1", "shop-web running v1"]);
});

Deno.test("an image is fetched when pull = missing and it is, and not otherwise", async () => {
  await using trial = await RolloutTrial.start([web1]);
  const spec = serviceSpec("shop", componentSpec("web", web1, { pull: "missing" }));
  await trial.rollout.deploy(spec, undefined, ada);
  await trial.rollout.deploy(spec, undefined, ada);
  const pulls = trial.runtime.calls.filter((call) => call.startsWith("pull"));
  deepStrictEqual(pulls, [`pull ${web1}`]);
});

// --- Several components of one image ---

const twins = serviceSpec("shop", componentSpec("web", web1), componentSpec("api", web1));

/** How often images were fetched. */
function pulls(trial: RolloutTrial): number {
  return trial.runtime.calls.filter((call) => call.startsWith("pull")).length;
}

Deno.test("components of one image fetch it once, and each says that it does", async () => {
  await using trial = await RolloutTrial.start([web1]);
  const told: string[] = [];
  const watcher: Watcher = {
    operation: "op-1",
    begun: () => {},
    told: (component, { kind, text }) => void told.push(`${kind} ${component}: ${text}`),
    ended: () => {},
    finished: () => {},
  };
  await trial.rollout.deploy(twins, undefined, ada, { watcher });
  strictEqual(pulls(trial), 1);
  deepStrictEqual(told.filter((line) => /pull/.test(line)), [
    `step web: pulling ${web1}`,
    `step api: pulling ${web1}`,
    `progress web: Trying to pull ${web1}...`,
  ]);
  await trial.rollout.plan(twins, undefined, { recreate: true });
  strictEqual(pulls(trial), 2);
  // What the reference means by now, only its registry knows.
  await trial.rollout.deploy(twins, undefined, ada);
  strictEqual(pulls(trial), 3);
});

Deno.test("an image that cannot be fetched fails all components that are of it", async () => {
  await using trial = await RolloutTrial.start([web1]);
  trial.runtime.fail("pull", undefined, { times: 1 });
  const { outcomes } = await trial.rollout.deploy(twins, undefined, ada);
  deepStrictEqual(
    outcomes.map(({ component, error }) => `${component}: ${error}`),
    ["web", "api"].map((name) =>
      `${name}: Cannot pull: podman is out of order; nothing was changed`
    ),
  );
});

Deno.test("a component that waited for another has the image that the other was made from", async () => {
  await using trial = await RolloutTrial.start([web1]);
  const spec = serviceSpec(
    "shop",
    componentSpec("db", web1),
    componentSpec("web", web1, { dependsOn: ["db"] }),
  );
  const run = trial.runtime.hold("run", { when: `run shop-db ${web1}` });
  const deploying = trial.rollout.deploy(spec, undefined, ada);
  await run.reached;
  trial.runtime.publish(web1);
  run.release();
  await deploying;
  const [db, web] = await trial.runtime.list();
  ok(db !== undefined && web !== undefined);
  strictEqual(db.imageId, web.imageId);
});

Deno.test("an image that is there and need not be fetched is looked at once", async () => {
  await using trial = await RolloutTrial.start([web1]);
  const spec = serviceSpec("shop", componentSpec("web", web1, { pull: "missing" }));
  await trial.rollout.deploy(spec, undefined, ada);
  trial.runtime.calls.length = 0;
  await trial.rollout.deploy(spec, undefined, ada);
  const looks = trial.runtime.calls.filter((call) => call.startsWith("inspectImages"));
  deepStrictEqual(looks, [`inspectImages ${web1}`]);
});
