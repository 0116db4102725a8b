import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { Synchronization } from "../../agent/change/synchronization/synchronization.ts";
import { listServices } from "../../agent/registry/services.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import { ada, componentSpec, RolloutTrial, serviceSpec } from "../support/rollout_trial.ts";
import { ample, TestNode } from "../support/test_node.ts";

const web1 = "registry.example/web:v1";
const web2 = "registry.example/web:v2";
const web = componentSpec("web", web1, { restart: "no" });
const api = componentSpec("api", web1, { restart: "no" });
const shop = serviceSpec("shop", web, api);
const inactive = { ...shop, active: false };

/** shop/web and shop/api as deployed, and nothing asked of the runtime since. */
async function serving(): Promise<RolloutTrial> {
  const trial = await RolloutTrial.start([web1, web2]);
  await trial.rollout.deploy(shop, undefined, ada);
  trial.runtime.calls.length = 0;
  return trial;
}

/** "service: summary" per service, with a star where something has changed. */
async function sync(trial: RolloutTrial, ...specs: readonly ServiceSpec[]): Promise<string[]> {
  const { registry, observer, rollout, locks, clock } = trial;
  const synchronization = new Synchronization({
    registry,
    observer,
    rollout,
    locks,
    clock,
    allow: trial.allow,
    serviceRoot: trial.serviceRoot,
  });
  return (await synchronization.sync(specs, ada))
    .map(({ service, changed, summary }) => `${service}${changed ? "*" : ""}: ${summary}`);
}

/** The calls that change something. */
function changes({ runtime }: RolloutTrial): string[] {
  return runtime.calls.filter((call) => !/^(list|inspect|hasVanished)\b/.test(call));
}

Deno.test("sync declares a new service and starts nothing", async () => {
  await using trial = await RolloutTrial.start([web1]);
  deepStrictEqual(await sync(trial, shop), ["shop*: new, active"]);
  deepStrictEqual(trial.components("shop"), [
    "web wants running, seen unknown, never deployed",
    "api wants running, seen unknown, never deployed",
  ]);
  deepStrictEqual(await sync(trial, shop), ["shop: up to date"]);
  deepStrictEqual(changes(trial), []);
});

Deno.test("sync takes new specs and leaves what was deployed as it is", async () => {
  await using trial = await serving();
  const next = serviceSpec("shop", { ...web, image: web2 }, api, componentSpec("db", web1));
  deepStrictEqual(await sync(trial, next), ["shop*: db added; web changed"]);
  deepStrictEqual(trial.components("shop"), [
    "web wants running, seen running, deployed v1 by 1",
    "api wants running, seen running, deployed v1 by 1",
    "db wants running, seen unknown, never deployed",
  ]);
  deepStrictEqual(await sync(trial, next), ["shop: up to date"]);
  deepStrictEqual(changes(trial), []);
});

Deno.test("sync starts nothing, whatever it finds", async () => {
  await using trial = await serving();
  trial.runtime.crash("shop-web", 1);
  trial.runtime.removeByHand("shop-api");
  deepStrictEqual(await sync(trial, shop), ["shop: up to date"]);
  deepStrictEqual(trial.components("shop"), [
    "web wants running, seen exited, deployed v1 by 1",
    "api wants running, seen removed, deployed v1 by 1",
  ]);
  deepStrictEqual(changes(trial), []);
});

Deno.test("sync stops what is inactive, and remembers who it was", async () => {
  await using trial = await serving();
  deepStrictEqual(await sync(trial, inactive), [
    "shop*: now inactive; web, api now wanted stopped; stopped web, api",
  ]);
  deepStrictEqual(changes(trial).sort(), ["stop shop-api", "stop shop-web"]);
  deepStrictEqual(trial.components("shop"), [
    "web wants stopped, seen stopped, deployed v1 by 1",
    "api wants stopped, seen stopped, deployed v1 by 1",
  ]);
  deepStrictEqual(trial.events("shop").slice(2).sort(), [
    "api running to stopped: stop by ada",
    "web running to stopped: stop by ada",
  ]);
  trial.runtime.calls.length = 0;
  deepStrictEqual(await sync(trial, inactive), ["shop: up to date"]);
  deepStrictEqual(changes(trial), []);
});

Deno.test("sync stops an inactive service that somebody has started", async () => {
  await using trial = await serving();
  await sync(trial, inactive);
  await trial.runtime.start("shop-web");
  deepStrictEqual(await sync(trial, inactive), ["shop*: up to date; stopped web"]);
  deepStrictEqual(trial.runtime.containers, ["shop-api exited", "shop-web exited"]);
});

Deno.test("sync of a service that becomes active wants it running and does not start it", async () => {
  await using trial = await serving();
  await sync(trial, inactive);
  trial.runtime.calls.length = 0;
  deepStrictEqual(await sync(trial, shop), ["shop*: now active; web, api now wanted running"]);
  deepStrictEqual(changes(trial), []);
  strictEqual(trial.components("shop")[0], "web wants running, seen stopped, deployed v1 by 1");
});

Deno.test("sync tells of a component that cannot be stopped, and stops the others", async () => {
  await using trial = await serving();
  trial.runtime.fail("stop", undefined, { when: "stop shop-web" });
  const [told = ""] = await sync(trial, inactive);
  match(
    told,
    /^shop\*: now inactive; .*; stopped api; could not stop web: .*podman is out of order$/,
  );
  trial.runtime.heal();
  // The intent stands: the next sync does what is left.
  deepStrictEqual(await sync(trial, inactive), ["shop*: up to date; stopped web"]);
});

Deno.test("sync keeps a component that is no longer listed, and says so", async () => {
  await using trial = await serving();
  const told = "shop: up to date; api no longer listed, and left to the next deploy of the service";
  deepStrictEqual(await sync(trial, serviceSpec("shop", web)), [told]);
  deepStrictEqual(await sync(trial, serviceSpec("shop", web)), [told]);
  deepStrictEqual(trial.runtime.containers, ["shop-api running", "shop-web running"]);
});

Deno.test("sync reports services it does not mention, and leaves them alone", async () => {
  await using trial = await serving();
  await trial.runtime.runByHand("postgres");
  const mail = serviceSpec("mail", componentSpec("mail", web1));
  deepStrictEqual(await sync(trial, mail), [
    "mail*: new, active",
    "postgres: found on the node, not managed; left alone",
    "shop: not in this sync; left alone",
  ]);
  deepStrictEqual(trial.components("postgres"), [
    "postgres wants ignore, seen running, never deployed",
  ]);
  deepStrictEqual(changes(trial), []);
});

Deno.test("sync of nothing discovers what there is", async () => {
  await using trial = await RolloutTrial.start([]);
  await trial.runtime.runByHand("mcr-api");
  deepStrictEqual(await sync(trial), ["mcr-api: found on the node, not managed; left alone"]);
});

for (
  const [given, make, refusal] of [
    [
      "a container that nobody manages",
      async (trial: RolloutTrial) => await trial.runtime.runByHand("mail-web"),
      /^mail: refused: a container "mail-web" exists that MCP did not create \(Run `mcp adopt mail` first\)$/,
    ],
    [
      "a container of another service",
      async (trial: RolloutTrial) => {
        const other = serviceSpec("mail-web", componentSpec("mail-web", web1, { restart: "no" }));
        await trial.rollout.deploy(other, undefined, ada);
      },
      /^mail: refused: the container "mail-web" belongs to mail-web\/mail-web$/,
    ],
  ] as const
) {
  Deno.test(`sync refuses a service over ${given}, and takes the others`, async () => {
    await using trial = await serving();
    await make(trial);
    const mail = serviceSpec("mail", componentSpec("web", web2));
    const [first = "", second] = await sync(trial, mail, { ...shop, components: [web] });
    match(first, refusal);
    match(second ?? "", /^shop: up to date/);
    deepStrictEqual(trial.components("mail"), []);
    deepStrictEqual(await sync(trial, mail), await sync(trial, mail));
  });
}

Deno.test("sync takes a service over a container that was found once and is gone", async () => {
  await using trial = await RolloutTrial.start([web1]);
  await trial.runtime.runByHand("mail-web");
  await trial.observer.observe();
  trial.runtime.removeByHand("mail-web");
  const mail = serviceSpec("mail", componentSpec("web", web1));
  deepStrictEqual(await sync(trial, mail), ["mail*: new, active"]);
  deepStrictEqual(listServices(trial.registry).map(({ name }) => name), ["mail"]);
});

Deno.test("sync refuses a service that is being deployed, and takes the others", async () => {
  await using trial = await serving();
  const run = trial.runtime.hold("run");
  const deploying = trial.rollout.deploy(shop, undefined, ada);
  await run.reached;
  const mail = serviceSpec("mail", componentSpec("mail", web1));
  const [first = "", second] = await sync(trial, inactive, mail);
  match(
    first,
    /^shop: refused: Cannot sync "shop": a deploy by ada has been running since .*\(Wait/,
  );
  strictEqual(second, "mail*: new, active");
  run.release();
  await deploying;
  strictEqual(trial.components("shop")[0], "web wants running, seen running, deployed v1 by 2");
});

Deno.test("sync changes nothing when the runtime cannot be asked", async () => {
  await using trial = await serving();
  const before = listServices(trial.registry);
  trial.runtime.fail("list");
  await rejects(sync(trial, inactive, serviceSpec("mail", web)), { kind: "unavailable" });
  deepStrictEqual(listServices(trial.registry), before);
});

Deno.test("sync sees what happened while another look was under way", async () => {
  await using trial = await serving();
  const list = trial.runtime.hold("list", { times: 1, afterwards: true });
  const looking = trial.observer.observe();
  await list.reached;
  await trial.runtime.runByHand("postgres");
  const syncing = sync(trial);
  list.release();
  await looking;
  deepStrictEqual(await syncing, [
    "postgres: found on the node, not managed; left alone",
    "shop: not in this sync; left alone",
  ]);
});

Deno.test("SyncDesiredState answers per service, in the order sent and then by name", async () => {
  await using node = await TestNode.start();
  node.runtime.publish(web1);
  await node.runtime.runByHand("postgres");
  const { results } = await node.client().syncDesiredState({
    services: [
      { name: "shop", active: true, components: [{ name: "web", image: web1 }] },
      { name: "mail", active: false, components: [{ name: "mail", image: web1 }] },
    ],
  }, ample);
  deepStrictEqual(results.map(({ name, changed, summary }) => [name, changed, summary]), [
    ["shop", true, "new, active"],
    ["mail", true, "new, inactive"],
    ["postgres", false, "found on the node, not managed; left alone"],
  ]);
});

Deno.test("SyncDesiredState refuses all of it for one mistake, and nothing is recorded", async () => {
  await using node = await TestNode.start();
  const client = node.client();
  const shop = { name: "shop", active: true, components: [{ name: "web", image: web1 }] };
  for (const services of [[shop, { ...shop, name: "--x" }], [shop, shop]]) {
    await rejects(client.syncDesiredState({ services }, ample), { kind: "invalid" });
    deepStrictEqual((await client.listServices({}, ample)).services, []);
  }
});
