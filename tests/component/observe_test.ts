import fc from "fast-check";
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { isDrift } from "../../lib/domain/state.ts";
import { declareService, getService, listServices } from "../../agent/registry/services.ts";
import { ada, componentSpec, RolloutTrial, serviceSpec } from "../support/rollout_trial.ts";

const web1 = "registry.example/web:v1";
const web2 = "registry.example/web:v2";
const shop1 = serviceSpec("shop", componentSpec("web", web1, { restart: "no" }));
const shop2 = serviceSpec("shop", componentSpec("web", web2));

async function serving(): Promise<RolloutTrial> {
  const trial = await RolloutTrial.start([web1, web2]);
  await trial.rollout.deploy(shop1, undefined, ada);
  trial.runtime.calls.length = 0;
  return trial;
}

Deno.test("a first look records what was declared before and what nobody told of", async () => {
  await using trial = await RolloutTrial.start([web1]);
  trial.registry.transaction(() => declareService(trial.registry, shop1, trial.clock.now()));
  await trial.runtime.runByHand("postgres", { image: "localhost/postgres:16" });
  const seen = await trial.observer.observe();
  deepStrictEqual(trial.components("shop"), ["web wants running, seen removed, never deployed"]);
  deepStrictEqual(trial.components("postgres"), [
    "postgres wants ignore, seen running, never deployed",
  ]);
  const [postgres] = getService(trial.registry, "postgres")?.components ?? [];
  deepStrictEqual(
    [postgres?.container, postgres?.spec.image, postgres?.version, postgres?.observedAt],
    ["postgres", "localhost/postgres:16", "16", trial.clock.now()],
  );
  deepStrictEqual(trial.events("shop"), ["web unknown to removed: "]);
  deepStrictEqual(trial.events("postgres"), []);
  deepStrictEqual([seen.observations.length, seen.discoveries.length, seen.transitions.length], [
    1,
    1,
    1,
  ]);
});

Deno.test("a second look at the same containers changes nothing but when it was", async () => {
  await using trial = await serving();
  await trial.runtime.runByHand("postgres");
  await trial.observer.observe();
  const before = listServices(trial.registry);
  await trial.clock.advance(60_000);
  const seen = await trial.observer.observe();
  deepStrictEqual([seen.discoveries, seen.transitions], [[], []]);
  deepStrictEqual(
    listServices(trial.registry),
    before.map((service) => ({
      ...service,
      components: service.components.map((component) => ({
        ...component,
        observedAt: trial.clock.now(),
        // A listing has whole seconds only.
        startedAt: component.startedAt === undefined
          ? undefined
          : new Date(Math.floor(component.startedAt.getTime() / 1000) * 1000),
      })),
    })),
  );
});

Deno.test("a container that ends, comes back, goes and comes again leaves a transition each", async () => {
  await using trial = await serving();
  const { runtime, observer } = trial;
  runtime.crash("shop-web", 137);
  await observer.observe();
  await runtime.start("shop-web");
  await observer.observe();
  runtime.removeByHand("shop-web");
  await observer.observe();
  await runtime.runByHand("shop-web");
  await observer.observe();
  deepStrictEqual(trial.events("shop").slice(1), [
    "web running to exited: exit code 137 (SIGKILL)",
    "web exited to running: ",
    "web running to removed: ",
    "web removed to running: ",
  ]);
});

Deno.test("an ignored container that comes and goes stays one component", async () => {
  await using trial = await RolloutTrial.start([]);
  for (let time = 0; time < 2; time++) {
    await trial.runtime.runByHand("postgres");
    await trial.observer.observe();
    trial.runtime.removeByHand("postgres");
    await trial.observer.observe();
  }
  deepStrictEqual(trial.components("postgres"), [
    "postgres wants ignore, seen removed, never deployed",
  ]);
  deepStrictEqual(trial.events("postgres").map((event) => event.replace(": ", "")), [
    "postgres running to removed",
    "postgres removed to running",
    "postgres running to removed",
  ]);
});

Deno.test("a look that fails overwrites nothing, and the next one works", async () => {
  await using trial = await serving();
  const before = listServices(trial.registry);
  trial.runtime.removeByHand("shop-web");
  await trial.clock.advance(60_000);
  trial.runtime.fail("list");
  await rejects(trial.observer.observe(), { kind: "unavailable" });
  deepStrictEqual(listServices(trial.registry), before);
  trial.runtime.heal();
  await trial.observer.observe();
  deepStrictEqual(trial.components("shop"), ["web wants running, seen removed, deployed v1 by 1"]);
});

Deno.test("looks that are asked for at the same time are one look, and fail together", async () => {
  await using trial = await serving();
  const looks = () => trial.runtime.calls.filter((call) => call === "list").length;
  const answers = await Promise.all([1, 2, 3].map(() => trial.observer.observe()));
  strictEqual(new Set(answers).size, 1);
  strictEqual(looks(), 1);
  trial.runtime.fail("list");
  const failures = await Promise.allSettled([1, 2].map(() => trial.observer.observe()));
  deepStrictEqual(failures.map(({ status }) => status), ["rejected", "rejected"]);
  strictEqual(looks(), 2);
  trial.runtime.heal();
  await trial.observer.observe();
  strictEqual(looks(), 3);
});

Deno.test("a look during a rollout does not record the gap between two containers", async () => {
  await using trial = await serving();
  const run = trial.runtime.hold("run");
  const deploying = trial.rollout.deploy(shop2, undefined, ada);
  await run.reached;
  deepStrictEqual(trial.runtime.containers, ["shop-web.previous exited"]);
  const seen = await trial.observer.observe();
  deepStrictEqual([seen.observations, seen.discoveries, seen.transitions], [[], [], []]);
  run.release();
  await deploying;
  deepStrictEqual(trial.events("shop"), ["web unknown to running: deploy by ada"]);
});

Deno.test("a look that began during a rollout and ended after it is not believed about it", async () => {
  await using trial = await serving();
  await trial.runtime.runByHand("postgres");
  const run = trial.runtime.hold("run");
  const deploying = trial.rollout.deploy(shop2, undefined, ada);
  await run.reached;
  // The listing is taken in the gap, and its answer comes when the rollout is over.
  const list = trial.runtime.hold("list", { afterwards: true });
  const looking = trial.observer.observe();
  await list.reached;
  run.release();
  await deploying;
  list.release();
  const seen = await looking;
  deepStrictEqual(seen.transitions, []);
  deepStrictEqual(seen.discoveries.map(({ container }) => container), ["postgres"]);
  deepStrictEqual(trial.components("shop"), ["web wants running, seen running, deployed v2 by 2"]);
  deepStrictEqual(trial.events("shop"), ["web unknown to running: deploy by ada"]);
});

Deno.test("a look during a rollout still sees every other service", async () => {
  await using trial = await serving();
  await trial.rollout.deploy(
    serviceSpec("mail", componentSpec("web", web1, { restart: "no" })),
    undefined,
    ada,
  );
  const pull = trial.runtime.hold("pull");
  const deploying = trial.rollout.deploy(shop2, undefined, ada);
  await pull.reached;
  trial.runtime.crash("mail-web", 1);
  await trial.observer.observe();
  deepStrictEqual(trial.components("mail"), ["web wants running, seen exited, deployed v1 by 1"]);
  pull.release();
  await deploying;
});

Deno.test("a stop is seen as what was wanted, and not as a crash", async () => {
  await using trial = await serving();
  await trial.rollout.stop("shop", ada);
  await trial.observer.observe();
  deepStrictEqual(trial.events("shop").slice(1), ["web running to stopped: stop by ada"]);
});

// --- What is told, and what is doubted ---

/** Hands what the runtime tells to the observer, as the monitor does. */
async function listening(trial: RolloutTrial): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  trial.runtime.watch((event) => {
    if (event.exitCode !== undefined || event.status === "start") trial.observer.note(event);
    if (event.status === "create") resolve();
  }, new AbortController().signal);
  // It listens once it has told something.
  await trial.runtime.runByHand("probe");
  await Promise.resolve();
  trial.runtime.tell({
    container: "probe",
    status: "create",
    at: trial.clock.now(),
    exitCode: undefined,
  });
  await promise;
  await trial.observer.observe();
  await trial.clock.advance(1_000);
}

async function servingAlways(): Promise<RolloutTrial> {
  const trial = await RolloutTrial.start([web1, web2]);
  await trial.rollout.deploy(
    serviceSpec("shop", componentSpec("web", web1, { restart: "always" })),
    undefined,
    ada,
  );
  await listening(trial);
  return trial;
}

Deno.test("a crash between two looks is remembered with the restart after it", async () => {
  await using trial = await servingAlways();
  trial.runtime.crash("shop-web", 3);
  await trial.clock.advance(500);
  trial.runtime.crash("shop-web", 4);
  await trial.clock.advance(500);
  await trial.observer.observe();
  deepStrictEqual(trial.events("shop").slice(1), [
    "web running to exited: exit code 3",
    "web exited to running: started again",
    "web running to exited: exit code 4",
    "web exited to running: started again",
  ]);
  await trial.observer.observe();
  strictEqual(trial.events("shop").length, 5);
});

Deno.test("a crash while the containers are being listed is remembered once, by the next look", async () => {
  await using trial = await serving();
  await listening(trial);
  // The list is taken, and the container dies before it has come.
  const list = trial.runtime.hold("list", { times: 1, afterwards: true });
  const looking = trial.observer.observe();
  await list.reached;
  await trial.clock.advance(20);
  trial.runtime.crash("shop-web", 3);
  list.release();
  await looking;
  deepStrictEqual(trial.events("shop").slice(1), []);
  await trial.clock.advance(200);
  await trial.observer.observe();
  deepStrictEqual(trial.events("shop").slice(1), ["web running to exited: exit code 3"]);
});

Deno.test("a death that is told after it was seen is remembered once", async () => {
  await using trial = await serving();
  await listening(trial);
  trial.runtime.crash("shop-web", 3);
  const at = trial.clock.now();
  await trial.observer.observe();
  await trial.clock.advance(100);
  // podman writes it down a moment after the process has ended.
  for (const late of [at, new Date(at.getTime() + 50)]) {
    trial.observer.note({ container: "shop-web", at: late, exitCode: 3 });
  }
  await trial.observer.observe();
  deepStrictEqual(trial.events("shop").slice(1), ["web running to exited: exit code 3"]);
});

Deno.test("what is told of a rollout's own containers is that rollout's", async () => {
  await using trial = await servingAlways();
  await trial.rollout.deploy(shop2, undefined, ada);
  await trial.clock.advance(100);
  await trial.observer.observe();
  await trial.rollout.restart("shop", ada);
  await trial.rollout.stop("shop", ada);
  await trial.clock.advance(100);
  await trial.observer.observe();
  deepStrictEqual(trial.events("shop"), [
    "web unknown to running: deploy by ada",
    "web running to stopped: stop by ada",
  ]);
});

Deno.test("an end for want of memory is told as that", async () => {
  await using trial = await RolloutTrial.start([web1]);
  trial.runtime.publish(web1, { exit: { code: 137, afterMs: 60_000, oomKilled: true } });
  await trial.rollout.deploy(shop1, undefined, ada);
  await trial.clock.advance(60_000);
  await trial.observer.observe();
  deepStrictEqual(trial.events("shop").slice(1), [
    "web running to exited: exit code 137 (out of memory)",
  ]);
});

Deno.test("a thousand deaths and starts that nobody looks at are all that is kept", async () => {
  await using trial = await servingAlways();
  for (let told = 0; told < 5_000; told++) {
    const exitCode = told % 2 === 0 ? told % 250 : undefined;
    trial.observer.note({ container: "shop-web", at: trial.clock.now(), exitCode });
    await trial.clock.advance(1);
  }
  strictEqual((await trial.observer.observe()).transitions.length, 1_000);
  // The list says that it runs.
  deepStrictEqual(trial.components("shop"), ["web wants running, seen running, deployed v1 by 1"]);
});

Deno.test("a deploy is followed by no transition and no drift, whatever was deployed", async () => {
  const names = ["web", "api", "shop", "db"];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.constantFrom("no", "always", "unless-stopped", "on-failure:3"),
      async (deploys, restart) => {
        await using trial = await RolloutTrial.start([web1]);
        trial.registry.run("PRAGMA synchronous = OFF");
        for (const components of deploys) {
          const specs = components.map((name) => componentSpec(name, web1, { restart }));
          await trial.rollout.deploy(serviceSpec("shop", ...specs), undefined, ada);
          await trial.clock.advance(100);
          const seen = await trial.observer.observe();
          deepStrictEqual([seen.transitions, seen.discoveries], [[], []]);
          const records = getService(trial.registry, "shop")?.components ?? [];
          deepStrictEqual(records.map(({ spec }) => spec.name).sort(), components.toSorted());
          for (const { desired, observed } of records) {
            strictEqual(isDrift(desired, observed), false);
          }
        }
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("what was seen to have ended and is listed as running is asked about, until it is told", async () => {
  await using trial = await serving();
  trial.observer.doubt("all");
  trial.runtime.vanish("shop-web");
  await trial.observer.observe();
  const asked = () => trial.runtime.calls.filter((call) => call === "hasVanished shop-web").length;
  strictEqual(asked(), 1);
  await trial.observer.observe();
  strictEqual(asked(), 2);
  deepStrictEqual(trial.events("shop").slice(1), ["web running to exited: vanished"]);
  // A start that was told leaves no doubt.
  await listening(trial);
  const before = asked();
  await trial.runtime.restart("shop-web", 0);
  await trial.clock.advance(10);
  await trial.observer.observe();
  strictEqual(asked(), before);
  deepStrictEqual(trial.events("shop").slice(2), ["web exited to running: "]);
  await trial.observer.observe();
  strictEqual(asked(), before);
});
