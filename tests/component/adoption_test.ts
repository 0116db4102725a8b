import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { Adoption } from "../../agent/change/adoption/adoption.ts";
import { lastEventId } from "../../agent/registry/events.ts";
import { getService, listServices } from "../../agent/registry/services.ts";
import { McpError } from "../../lib/errors.ts";
import { ada, componentSpec, RolloutTrial, serviceSpec } from "../support/rollout_trial.ts";
import { ample, TestNode } from "../support/test_node.ts";

const web1 = "registry.example/web:v1";
const web2 = "registry.example/web:v2";
const byHand = "localhost/by-hand:latest";

/** mcr-api and mcr-web as somebody runs them by hand, and postgres beside them. */
async function found(): Promise<RolloutTrial> {
  const trial = await RolloutTrial.start([web1, web2]);
  await trial.runtime.runByHand("mcr-api", { ports: ["8080:80"], volumes: ["/srv/mcr:/data"] });
  await trial.runtime.runByHand("mcr-web", { restart: "always" });
  await trial.runtime.runByHand("postgres");
  await trial.observer.observe();
  await trial.clock.advance(60_000);
  trial.runtime.calls.length = 0;
  return trial;
}

/** "container component" of what was adopted, with why not of what was not. */
async function adopt(trial: RolloutTrial, service: string, dryRun = false): Promise<string[]> {
  const { registry, runtime, observer, locks, clock } = trial;
  const recovered = () => Promise.resolve();
  const adoption = new Adoption({ registry, runtime, observer, locks, clock, recovered });
  return (await adoption.adopt(service, { dryRun, actor: "ada" }))
    .map(({ container, component, error }) =>
      [container, component, ...(error === "" ? [] : [`(${error})`])].join(" ")
    );
}

/** Every container with its identity: what no adoption may change. */
async function identities({ runtime }: RolloutTrial): Promise<string[]> {
  const listing = await runtime.list();
  const details = await Promise.all(listing.map(({ name }) => runtime.inspect(name)));
  return listing.map(({ name }, at) =>
    `${name} ${details[at]?.id} ${details[at]?.status} ${details[at]?.startedAt?.getTime()}`
  );
}

Deno.test("adopt gives a service its containers, and starts, stops and changes nothing", async () => {
  await using trial = await found();
  const before = await identities(trial);
  trial.runtime.calls.length = 0;
  deepStrictEqual(await adopt(trial, "mcr"), ["mcr-api api", "mcr-web web"]);
  deepStrictEqual(
    [...new Set(trial.runtime.calls.map((call) => call.split(" ")[0]))].sort(),
    ["describe", "inspect", "list"],
  );
  deepStrictEqual(await identities(trial), before);
  deepStrictEqual(trial.components("mcr"), [
    "api wants running, seen running, deployed latest by 1",
    "web wants running, seen running, deployed latest by 1",
  ]);
  deepStrictEqual(trial.revisions("mcr"), ["1 succeeded: api succeeded, web succeeded"]);
  deepStrictEqual(listServices(trial.registry).map(({ name }) => name), ["mcr", "postgres"]);
  const [api] = getService(trial.registry, "mcr")?.components ?? [];
  deepStrictEqual(
    [api?.spec, api?.deployment?.origin, api?.version],
    [
      componentSpec("api", byHand, {
        restart: "no",
        ports: ["8080:80"],
        volumes: ["/srv/mcr:/data"],
      }),
      "adopt",
      "latest",
    ],
  );
});

Deno.test("adopt leaves no drift, and the next look finds nothing new", async () => {
  await using trial = await found();
  await adopt(trial, "mcr");
  const seen = await trial.observer.observe();
  deepStrictEqual([seen.transitions, seen.discoveries], [[], []]);
});

Deno.test("adopt keeps the events of a container under its new name", async () => {
  await using trial = await found();
  trial.runtime.crash("mcr-api", 1);
  await trial.observer.observe();
  await trial.runtime.start("mcr-api");
  await trial.observer.observe();
  const before = lastEventId(trial.registry);
  await adopt(trial, "mcr");
  deepStrictEqual(trial.events("mcr"), [
    "api running to exited: exit code 1",
    "api exited to running: ",
  ]);
  deepStrictEqual(trial.events("mcr-api"), []);
  strictEqual(lastEventId(trial.registry), before);
});

Deno.test("adopt wants stopped what does not run, and sees it as it is wanted", async () => {
  await using trial = await found();
  trial.runtime.stopByHand("mcr-web");
  await adopt(trial, "mcr");
  deepStrictEqual(trial.components("mcr"), [
    "api wants running, seen running, deployed latest by 1",
    "web wants stopped, seen stopped, deployed latest by 1",
  ]);
  deepStrictEqual((await trial.observer.observe()).transitions, []);
});

for (
  const [stopped, active] of [[["api"], true], [["web"], true], [["api", "web"], false]] as const
) {
  Deno.test(`adopt makes a service ${active ? "active" : "inactive"} when ${stopped.join(" and ")} of api and web do not run`, async () => {
    await using trial = await found();
    for (const name of stopped) trial.runtime.stopByHand(`mcr-${name}`);
    await adopt(trial, "mcr");
    strictEqual(getService(trial.registry, "mcr")?.active, active);
  });
}

Deno.test("adopt of a dry run tells the same and changes nothing", async () => {
  await using trial = await found();
  await trial.runtime.runByHand("mcr-My_db");
  await trial.observer.observe();
  const before = listServices(trial.registry).map((
    { name, components },
  ) => [name, components.length]);
  const told = await adopt(trial, "mcr", true);
  deepStrictEqual(
    listServices(trial.registry).map(({ name, components }) => [name, components.length]),
    before,
  );
  deepStrictEqual(trial.revisions("mcr"), []);
  deepStrictEqual(await adopt(trial, "mcr"), told);
});

Deno.test("adopt a second time finds nothing left, and changes nothing", async () => {
  await using trial = await found();
  await adopt(trial, "mcr");
  await rejects(adopt(trial, "mcr"), {
    kind: "not_found",
    message: 'There is no container "mcr" or "mcr-…" that is not managed already',
  });
  deepStrictEqual(trial.revisions("mcr"), ["1 succeeded: api succeeded, web succeeded"]);
  // What comes later is adopted beside what is there.
  await trial.runtime.runByHand("mcr");
  deepStrictEqual(await adopt(trial, "mcr"), ["mcr mcr"]);
  strictEqual(trial.components("mcr").length, 3);
});

Deno.test("adopt of what is not there is not_found, and takes nothing", async () => {
  await using trial = await found();
  trial.runtime.removeByHand("postgres");
  for (const service of ["nobody", "postgres", "mc"]) {
    await rejects(adopt(trial, service), { kind: "not_found" });
  }
});

Deno.test("adopt refuses what no rule lets be deployed, and adopts the others", async () => {
  await using trial = await found();
  await trial.runtime.runByHand("mcr-odd", { volumes: ["/srv/../etc:/data"] });
  const told = await adopt(trial, "mcr");
  deepStrictEqual([told[0], told[2]], ["mcr-api api", "mcr-web web"]);
  match(
    told[1] ?? "",
    /^mcr-odd odd \(volumes\[0\]: expected .*, found "\/srv\/\.\.\/etc:\/data"\)$/,
  );
  deepStrictEqual(trial.components("mcr").length, 2);
  deepStrictEqual(trial.components("mcr-odd"), [
    "mcr-odd wants ignore, seen running, never deployed",
  ]);
});

Deno.test("adopt tells why a container cannot be described, and adopts the others", async () => {
  await using trial = await found();
  trial.runtime.fail("describe", undefined, { when: "describe mcr-api" });
  const told = await adopt(trial, "mcr");
  match(told[0] ?? "", /^mcr-api api \(Cannot describe: podman is out of order\)$/);
  strictEqual(told[1], "mcr-web web");
});

Deno.test("adopt changes nothing when the runtime cannot be asked", async () => {
  await using trial = await found();
  trial.runtime.fail("list");
  await rejects(adopt(trial, "mcr"), { kind: "unavailable" });
  deepStrictEqual(trial.components("mcr"), []);
});

Deno.test("adopt refuses while the service is moved by somebody else", async () => {
  await using trial = await found();
  using _lock = trial.locks.acquire("mcr", { verb: "deploy", actor: "bob", components: [] });
  await rejects(adopt(trial, "mcr"), { kind: "conflict" });
});

Deno.test("adopt finds a container that began while another look was under way", async () => {
  await using trial = await found();
  const list = trial.runtime.hold("list", { times: 1, afterwards: true });
  const looking = trial.observer.observe();
  await list.reached;
  await trial.runtime.runByHand("new-web");
  const adopting = adopt(trial, "new");
  list.release();
  await looking;
  deepStrictEqual(await adopting, ["new-web web"]);
});

Deno.test("a deploy replaces what was adopted", async () => {
  await using trial = await found();
  await adopt(trial, "mcr");
  const spec = serviceSpec("mcr", componentSpec("api", web1), componentSpec("web", web1));
  const { outcomes, revision } = await trial.rollout.deploy(spec, undefined, ada);
  deepStrictEqual([revision, outcomes.map(({ error }) => error)], [2, ["", ""]]);
  deepStrictEqual(await trial.containers(), [
    "mcr-api running v1",
    "mcr-web running v1",
    "postgres running latest",
  ]);
});

Deno.test("a deploy that fails brings what was adopted back", async () => {
  await using trial = await found();
  await adopt(trial, "mcr");
  const before = await identities(trial);
  trial.runtime.publish("registry.example/bad:v1", { exit: { code: 3, afterMs: 10 } });
  const bad = componentSpec("api", "registry.example/bad:v1", { restart: "no" });
  const { outcomes } = await trial.rollout.deploy(serviceSpec("mcr", bad), "api", ada);
  match(outcomes[0]?.error ?? "", /the previous container is back$/);
  const idsOf = (rows: readonly string[]) =>
    rows.map((row) => row.split(" ").slice(0, 3).join(" ")).sort();
  deepStrictEqual(idsOf(await identities(trial)), idsOf(before));
  strictEqual(trial.components("mcr")[0], "api wants running, seen running, deployed latest by 1");
});

Deno.test("start makes an adopted container again from what it was", async () => {
  await using trial = await found();
  await adopt(trial, "mcr");
  trial.runtime.removeByHand("mcr-api");
  const outcomes = await trial.rollout.start("mcr", ada);
  deepStrictEqual(outcomes.map(({ error }) => error), ["", ""]);
  const { spec } = await trial.runtime.describe("mcr-api", "api");
  deepStrictEqual([spec.image, spec.ports, spec.volumes], [byHand, ["8080:80"], [
    "/srv/mcr:/data",
  ]]);
});

Deno.test("a deploy of the whole service removes no adopted container it does not list", async () => {
  await using trial = await found();
  await adopt(trial, "mcr");
  await trial.rollout.deploy(serviceSpec("mcr", componentSpec("api", web1)), undefined, ada);
  deepStrictEqual(await trial.containers(), [
    "mcr-api running v1",
    "mcr-web running latest",
    "postgres running latest",
  ]);
  strictEqual(trial.components("mcr")[1], "web wants running, seen running, deployed latest by 1");
  // Once MCP has made it, it is MCP's to remove.
  const both = serviceSpec("mcr", componentSpec("api", web1), componentSpec("web", web1));
  await trial.rollout.deploy(both, undefined, ada);
  await trial.rollout.deploy(serviceSpec("mcr", componentSpec("api", web1)), undefined, ada);
  deepStrictEqual(await trial.containers(), ["mcr-api running v1", "postgres running latest"]);
});

Deno.test("adopt gives back what MCP made, when the registry has forgotten it", async () => {
  await using trial = await RolloutTrial.start([web1]);
  await trial.runtime.runByHand("mcr-web-api", {
    labels: { "mcp.service": "mcr-web", "mcp.component": "api" },
  });
  deepStrictEqual(await adopt(trial, "mcr"), [
    "mcr-web-api web-api (its labels say that it belongs to mcr-web/api)",
  ]);
  deepStrictEqual(await adopt(trial, "mcr-web"), ["mcr-web-api api"]);
});

Deno.test("AdoptContainer tells what no spec says, and refuses a name that is none", async () => {
  await using node = await TestNode.start();
  const client = node.client();
  await node.runtime.runByHand("mcr-web", { unexpressed: ["environment: TZ", "privileged"] });
  const { results } = await client.adoptContainer({ service: "mcr", dryRun: true }, ample);
  deepStrictEqual(
    results.map(({ container, component, success, error, unexpressed }) => ({
      container,
      component,
      success,
      error,
      unexpressed,
    })),
    [{
      container: "mcr-web",
      component: "web",
      success: true,
      error: "",
      unexpressed: ["environment: TZ", "privileged"],
    }],
  );
  for (const service of ["", "--all", "a/b", "A"]) {
    await rejects(client.adoptContainer({ service }, ample), (error) => {
      ok(error instanceof McpError && error.kind === "invalid", Deno.inspect(error));
      return true;
    });
  }
});
