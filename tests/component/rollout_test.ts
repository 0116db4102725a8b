import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { declareDiscovery, declareService, wantComponent } from "../../agent/registry/services.ts";
import type { ComponentOutcome } from "../../agent/change/rollout/execute.ts";
import type { ContainerDetail } from "../../agent/runtime/runtime.ts";
import { healthCheckDefaults } from "../../lib/domain/health_check.ts";
import { type ErrorKind, McpError } from "../../lib/errors.ts";
import { MemoryRuntime, type Verb } from "../support/memory_runtime.ts";
import { ada, componentSpec, RolloutTrial, serviceSpec } from "../support/rollout_trial.ts";

const web1 = "registry.example/web:v1";
const web2 = "registry.example/web:v2";
const web3 = "registry.example/web:v3";
const api1 = "registry.example/api:v1";
const images = [web1, web2, web3, api1];

const shop1 = serviceSpec("shop", componentSpec("web", web1));
const shop2 = serviceSpec("shop", componentSpec("web", web2));
const shop3 = serviceSpec("shop", componentSpec("web", web3));

/** A node on which version 1 of the shop serves. */
async function serving(): Promise<RolloutTrial> {
  const trial = await RolloutTrial.start(images);
  await trial.rollout.deploy(shop1, undefined, ada);
  trial.runtime.calls.length = 0;
  return trial;
}

/** The one outcome there must be. */
function only(outcomes: readonly ComponentOutcome[]): ComponentOutcome {
  const [outcome, ...rest] = outcomes;
  ok(outcome !== undefined && rest.length === 0, `${outcomes.length} outcomes`);
  return outcome;
}

async function refusalOf(call: Promise<unknown>, kind: ErrorKind): Promise<McpError> {
  let refusal: unknown;
  await rejects(call, (error) => (refusal = error, true));
  ok(refusal instanceof McpError, Deno.inspect(refusal));
  strictEqual(refusal.kind, kind);
  return refusal;
}

Deno.test("a first deploy makes a container, proves it and remembers all of it", async () => {
  await using trial = await RolloutTrial.start(images);
  const { revision, outcomes } = await trial.rollout.deploy(shop1, undefined, ada);
  strictEqual(revision, 1);
  deepStrictEqual(only(outcomes), {
    component: "web",
    container: "shop-web",
    success: true,
    verdict: "running",
    summary: "created v1",
    error: "",
    logTail: [],
    exitCode: undefined,
    oomKilled: false,
    restartCount: 0,
    lastProbe: "",
    putBack: false,
  });
  deepStrictEqual(await trial.containers(), ["shop-web running v1"]);
  deepStrictEqual(trial.components("shop"), ["web wants running, seen running, deployed v1 by 1"]);
  deepStrictEqual(trial.events("shop"), ["web unknown to running: deploy by ada"]);
  deepStrictEqual(trial.revisions("shop"), ["1 succeeded: web succeeded"]);
});

Deno.test("a second deploy replaces the container and leaves nothing behind", async () => {
  await using trial = await serving();
  const { revision, outcomes } = await trial.rollout.deploy(shop2, undefined, ada);
  deepStrictEqual([revision, only(outcomes).summary], [2, "replaced v1 by v2"]);
  deepStrictEqual(await trial.containers(), ["shop-web running v2"]);
  deepStrictEqual(trial.components("shop"), ["web wants running, seen running, deployed v2 by 2"]);
  deepStrictEqual(
    trial.runtime.calls.filter((call) => !/^(inspect|list)/.test(call)),
    [
      `pull ${web2}`,
      "rename shop-web shop-web.previous",
      "stop shop-web.previous",
      `run shop-web ${web2}`,
      "remove shop-web.previous",
    ],
  );
});

interface StepFailure {
  readonly step: string;
  readonly break: (trial: RolloutTrial) => void;
  readonly error: RegExp;
  /** Whether the old container served without a pause. */
  readonly undisturbed: boolean;
}

const stepFailures: readonly StepFailure[] = [
  {
    step: "the pull",
    break: ({ runtime }) => runtime.fail("pull"),
    error: /^Cannot pull: podman is out of order; nothing was changed$/,
    undisturbed: true,
  },
  {
    step: "the pull of an image that is not there",
    break: ({ runtime }) => runtime.unpublish(web2),
    error:
      /^Cannot pull the image "registry.example\/web:v2": manifest unknown; nothing was changed$/,
    undisturbed: true,
  },
  {
    step: "the rename",
    break: ({ runtime }) => runtime.fail("rename", undefined, { times: 1 }),
    error: /^Cannot rename: podman is out of order; nothing was changed$/,
    undisturbed: true,
  },
  {
    step: "every rename",
    break: ({ runtime }) => runtime.fail("rename"),
    error: /^Cannot rename: podman is out of order; nothing was changed$/,
    undisturbed: true,
  },
  {
    step: "the stop",
    break: ({ runtime }) => runtime.fail("stop"),
    error: /^Cannot stop: podman is out of order; the previous container is back$/,
    undisturbed: true,
  },
  {
    step: "the stop, which was done all the same",
    break: ({ runtime }) => runtime.fail("stop", undefined, { afterwards: true }),
    error: /^Cannot stop: podman is out of order; the previous container is back$/,
    undisturbed: false,
  },
  {
    step: "the run",
    break: ({ runtime }) => runtime.fail("run"),
    error: /^Cannot run: podman is out of order; the previous container is back$/,
    undisturbed: false,
  },
  {
    step: "the run, which was done all the same",
    break: ({ runtime }) => runtime.fail("run", undefined, { afterwards: true }),
    error: /^Cannot run: podman is out of order; the previous container is back$/,
    undisturbed: false,
  },
  {
    step: "the start of what was run",
    break: ({ runtime }) => runtime.publish(web2, { startFailure: "no such command" }),
    error: /no such command; the previous container is back$/,
    undisturbed: false,
  },
  {
    step: "the look at what was run",
    break: ({ runtime }) => runtime.fail("inspect", undefined, { times: 1 }),
    error: /^Cannot inspect: podman is out of order; the previous container is back$/,
    undisturbed: false,
  },
  {
    step: "the proof, by an end at once",
    break: ({ runtime }) => runtime.publish(web2, { exit: { code: 3, afterMs: 0 } }),
    error: /^Container "shop-web" did not stay up: it crashed with exit code 3 and was restarted; /,
    undisturbed: false,
  },
  {
    step: "the proof, by an end just before it is over",
    break: ({ runtime }) =>
      runtime.publish(web2, { exit: { code: 137, afterMs: 2_999, oomKilled: true } }),
    error:
      /^Container "shop-web" did not stay up: it .* exit code 137.*; the previous container is back$/,
    undisturbed: false,
  },
  {
    step: "the proof, by one crash that podman makes good at once",
    break: ({ runtime }) => runtime.publish(web2, { exit: { code: 1, afterMs: 300 }, exits: 1 }),
    error: /^Container "shop-web" did not stay up: it crashed with exit code 1 and was restarted; /,
    undisturbed: false,
  },
];
for (const { step, break: breakIt, error, undisturbed } of stepFailures) {
  Deno.test(`a deploy whose step fails leaves the old container serving: ${step}`, async () => {
    await using trial = await serving();
    const before = (await trial.runtime.inspect("shop-web"))?.startedAt;
    breakIt(trial);
    const { revision, outcomes } = await trial.rollout.deploy(shop2, undefined, ada);
    const outcome = only(outcomes);
    deepStrictEqual([revision, outcome.success, outcome.summary], [2, false, ""]);
    match(outcome.error, error);
    trial.runtime.heal();
    deepStrictEqual(await trial.containers(), ["shop-web running v1"]);
    const after = (await trial.runtime.inspect("shop-web"))?.startedAt;
    if (undisturbed) deepStrictEqual(after, before);
    // What is declared is what was asked for; what is deployed is what really runs.
    deepStrictEqual(trial.components("shop"), [
      "web wants running, seen running, deployed v1 by 1",
    ]);
    deepStrictEqual(trial.events("shop"), ["web unknown to running: deploy by ada"]);
    deepStrictEqual(trial.revisions("shop"), [
      "1 succeeded: web succeeded",
      "2 failed: web failed",
    ]);

    const again = await trial.rollout.deploy(shop3, undefined, ada);
    strictEqual(only(again.outcomes).summary, "replaced v1 by v3");
    deepStrictEqual(await trial.containers(), ["shop-web running v3"]);
  });
}

Deno.test("a deploy that cannot remove what an earlier one left changes nothing", async () => {
  await using trial = await serving();
  trial.runtime.fail("remove", undefined, { times: 1 });
  await trial.rollout.deploy(shop2, undefined, ada);
  deepStrictEqual(await trial.containers(), ["shop-web running v2", "shop-web.previous exited v1"]);
  trial.runtime.fail("remove");
  const { outcomes } = await trial.rollout.deploy(shop3, undefined, ada);
  strictEqual(only(outcomes).error, "Cannot remove: podman is out of order; nothing was changed");
  deepStrictEqual(await trial.containers(), ["shop-web running v2", "shop-web.previous exited v1"]);
});

Deno.test("a failed first deploy leaves no container, and says no more than it did", async () => {
  await using trial = await RolloutTrial.start(images);
  trial.runtime.publish(web1, { exit: { code: 3, afterMs: 500 }, log: ["no config", "giving up"] });
  const spec = serviceSpec("shop", componentSpec("web", web1, { restart: "no" }));
  const outcome = only((await trial.rollout.deploy(spec, undefined, ada)).outcomes);
  deepStrictEqual(
    [outcome.error, outcome.logTail],
    ['Container "shop-web" did not stay up: it ended with exit code 3', ["no config", "giving up"]],
  );
  deepStrictEqual(await trial.containers(), []);
  deepStrictEqual(trial.components("shop"), ["web wants running, seen removed, never deployed"]);
  deepStrictEqual(trial.revisions("shop"), ["1 failed: web failed"]);
});

Deno.test("a deploy that fails over a container that had ended does not start it", async () => {
  await using trial = await serving();
  trial.runtime.stopByHand("shop-web");
  trial.runtime.fail("run");
  await trial.rollout.deploy(shop2, undefined, ada);
  deepStrictEqual(await trial.containers(), ["shop-web exited v1"]);
  deepStrictEqual(trial.events("shop").at(-1), "web running to exited: deploy by ada");
});

Deno.test("a missing file to mount is told before anything is disturbed", async () => {
  await using trial = await serving();
  const source = `${trial.serviceRoot}/shop/web.toml`;
  const spec = serviceSpec(
    "shop",
    componentSpec("web", web2, { volumes: [`${source}:/etc/web.toml:ro`] }),
  );
  const outcome = only((await trial.rollout.deploy(spec, undefined, ada)).outcomes);
  strictEqual(
    outcome.error,
    `Cannot mount ${source}: there is no such file or folder; nothing was changed`,
  );
  ok(!trial.runtime.calls.some((call) => call.startsWith("rename")));
});

Deno.test("folders of the service that are mounted are made before the container", async () => {
  await using trial = await RolloutTrial.start(images);
  const source = `${trial.serviceRoot}/shop/data/db`;
  await trial.rollout.deploy(
    serviceSpec("shop", componentSpec("web", web1, { volumes: [`${source}:/data`] })),
    undefined,
    ada,
  );
  ok((await Deno.stat(source)).isDirectory);
});

Deno.test("when going back fails as well, that is told, and the next deploy heals it", async () => {
  await using trial = await serving();
  trial.runtime.fail("run");
  trial.runtime.fail("rename", undefined, { when: "rename shop-web.previous shop-web" });
  const outcome = only((await trial.rollout.deploy(shop2, undefined, ada)).outcomes);
  match(
    outcome.error,
    /^Cannot run: podman is out of order; and going back failed as well: Cannot rename: podman is out of order$/,
  );
  deepStrictEqual(await trial.containers(), ["shop-web.previous exited v1"]);
  deepStrictEqual(trial.components("shop"), ["web wants running, seen removed, deployed v1 by 1"]);
  strictEqual(trial.events("shop").at(-1), "web running to removed: deploy by ada");

  trial.runtime.heal();
  const again = only((await trial.rollout.deploy(shop2, undefined, ada)).outcomes);
  strictEqual(again.summary, "replaced v1 by v2");
  deepStrictEqual(await trial.containers(), ["shop-web running v2"]);
});

Deno.test("a previous container that crashes as soon as it is put back is told as that", async () => {
  await using trial = await RolloutTrial.start((clock) => new MemoryRuntime({ clock, images }));
  trial.runtime.publish(web1, { exit: { code: 7, afterMs: 500 } });
  const healthcheck = {
    ...healthCheckDefaults,
    probe: { kind: "exec", command: ["check"] },
  } as const;
  // Its first good answer comes before it crashes, and the second deploy before that as well.
  const sick = serviceSpec("shop", componentSpec("web", web1, { healthcheck }));
  strictEqual(only((await trial.rollout.deploy(sick, undefined, ada)).outcomes).verdict, "healthy");
  trial.runtime.fail("run");
  const outcome = only((await trial.rollout.deploy(shop2, undefined, ada)).outcomes);
  match(
    outcome.error,
    /podman is out of order; and the previous one, which was put back: .* did not stay up: it crashed with exit code 7 and was restarted$/,
  );
  strictEqual(outcome.putBack, false);
});

Deno.test("a deploy over what could not be put back puts it back when it fails itself", async () => {
  await using trial = await serving();
  trial.runtime.fail("run", undefined, { times: 2 });
  trial.runtime.fail("rename", undefined, { when: "rename shop-web.previous shop-web", times: 1 });
  await trial.rollout.deploy(shop2, undefined, ada);
  deepStrictEqual(await trial.containers(), ["shop-web.previous exited v1"]);
  const outcome = only((await trial.rollout.deploy(shop2, undefined, ada)).outcomes);
  strictEqual(
    outcome.error,
    "Cannot run: podman is out of order; the previous container is back",
  );
  deepStrictEqual(await trial.containers(), ["shop-web running v1"]);
});

Deno.test("a rename that was done though podman said no is healed by the next deploy", async () => {
  await using trial = await serving();
  trial.runtime.fail("rename", undefined, { afterwards: true, times: 1 });
  await trial.rollout.deploy(shop2, undefined, ada);
  deepStrictEqual(await trial.containers(), ["shop-web.previous running v1"]);
  await trial.rollout.deploy(shop2, undefined, ada);
  deepStrictEqual(await trial.containers(), ["shop-web running v2"]);
});

Deno.test("one component failing does not stop the others", async () => {
  await using trial = await RolloutTrial.start([web1, api1]);
  trial.runtime.fail("pull", undefined, { when: `pull ${web1}` });
  const spec = serviceSpec("shop", componentSpec("web", web1), componentSpec("api", api1));
  const { outcomes } = await trial.rollout.deploy(spec, undefined, ada);
  deepStrictEqual(
    outcomes.map(({ component, success }) => [component, success]),
    [["web", false], ["api", true]],
  );
  deepStrictEqual(await trial.containers(), ["shop-api running v1"]);
  deepStrictEqual(trial.components("shop"), [
    "web wants running, seen removed, never deployed",
    "api wants running, seen running, deployed v1 by 1",
  ]);
  deepStrictEqual(trial.revisions("shop"), ["1 partial: web failed, api succeeded"]);
});

Deno.test("components of one service are moved side by side", async () => {
  await using trial = await RolloutTrial.start([web1, api1]);
  const web = trial.runtime.hold("pull", { when: `pull ${web1}` });
  const api = trial.runtime.hold("pull", { when: `pull ${api1}` });
  const spec = serviceSpec("shop", componentSpec("web", web1), componentSpec("api", api1));
  const deploying = trial.rollout.deploy(spec, undefined, ada);
  await Promise.all([web.reached, api.reached]);
  api.release();
  web.release();
  strictEqual((await deploying).outcomes.every(({ success }) => success), true);
});

Deno.test("a one-component deploy moves and records only that component", async () => {
  await using trial = await RolloutTrial.start(images);
  const both = serviceSpec("shop", componentSpec("web", web1), componentSpec("api", api1));
  await trial.rollout.deploy(both, undefined, ada);
  trial.runtime.calls.length = 0;
  const next = serviceSpec(
    "shop",
    componentSpec("web", web2),
    componentSpec("api", api1, { cmd: ["new"] }),
  );
  await trial.rollout.deploy(next, "web", ada);
  ok(!trial.runtime.calls.some((call) => call.includes("api")), trial.runtime.calls.join("\n"));
  deepStrictEqual(trial.components("shop"), [
    "web wants running, seen running, deployed v2 by 2",
    "api wants running, seen running, deployed v1 by 1",
  ]);
  deepStrictEqual(trial.revisions("shop"), [
    "1 succeeded: web succeeded, api succeeded",
    "2 succeeded: web succeeded",
  ]);
});

Deno.test("a one-component deploy removes nothing that the spec no longer lists", async () => {
  await using trial = await RolloutTrial.start(images);
  const both = serviceSpec("shop", componentSpec("web", web1), componentSpec("api", api1));
  await trial.rollout.deploy(both, undefined, ada);
  await trial.rollout.deploy(shop2, "web", ada);
  deepStrictEqual(await trial.containers(), ["shop-api running v1", "shop-web running v2"]);
});

Deno.test("a whole-service deploy removes what MCP deployed and the spec no longer lists", async () => {
  await using trial = await RolloutTrial.start(images);
  const both = serviceSpec("shop", componentSpec("web", web1), componentSpec("api", api1));
  await trial.rollout.deploy(both, undefined, ada);
  const { outcomes } = await trial.rollout.deploy(shop2, undefined, ada);
  deepStrictEqual(
    outcomes.map(({ component, success, summary }) => [component, success, summary]),
    [
      ["web", true, "replaced v1 by v2"],
      ["api", true, "removed: the definition no longer lists it"],
    ],
  );
  deepStrictEqual(await trial.containers(), ["shop-web running v2"]);
  deepStrictEqual(trial.components("shop"), ["web wants running, seen running, deployed v2 by 2"]);
  strictEqual(trial.events("shop").at(-1), "api running to removed: deploy by ada");
});

Deno.test("a dropped component whose container cannot be removed is still known", async () => {
  await using trial = await RolloutTrial.start(images);
  const both = serviceSpec("shop", componentSpec("web", web1), componentSpec("api", api1));
  await trial.rollout.deploy(both, undefined, ada);
  trial.runtime.fail("remove", undefined, { when: "remove shop-api" });
  const { outcomes } = await trial.rollout.deploy(shop2, undefined, ada);
  deepStrictEqual(outcomes.map(({ success }) => success), [true, false]);
  deepStrictEqual(await trial.containers(), ["shop-api exited v1", "shop-web running v2"]);
  strictEqual(trial.components("shop").length, 2);
  strictEqual(trial.revisions("shop").at(-1), "2 partial: web succeeded");
  trial.runtime.heal();
  await trial.rollout.deploy(shop2, undefined, ada);
  strictEqual(trial.components("shop").length, 1);
});

Deno.test("a whole-service deploy never removes what was adopted or is ignored", async () => {
  await using trial = await serving();
  const { registry, runtime, clock } = trial;
  await runtime.runByHand("shop-db");
  await runtime.runByHand("shop-cron");
  registry.transaction(() => {
    for (const component of ["db", "cron"]) {
      const container = `shop-${component}`;
      declareDiscovery(
        registry,
        { service: "shop", component, container, image: "localhost/x:v0" },
        clock.now(),
      );
    }
    wantComponent(registry, "shop", "db", "running", clock.now());
  });
  const { outcomes } = await trial.rollout.deploy(shop2, undefined, ada);
  deepStrictEqual(outcomes.map(({ component }) => component), ["web"]);
  deepStrictEqual(
    (await trial.containers()).map((line) => line.split(" ").slice(0, 2).join(" ")),
    ["shop-cron running", "shop-db running", "shop-web running"],
  );
  strictEqual(trial.components("shop").length, 3);
});

Deno.test("a component that never came up is forgotten with the spec that had it", async () => {
  await using trial = await RolloutTrial.start(images);
  const typo = serviceSpec(
    "shop",
    componentSpec("web", web1),
    componentSpec("apo", "x.example/no:v1"),
  );
  await trial.rollout.deploy(typo, undefined, ada);
  strictEqual(trial.components("shop").length, 2);
  await trial.rollout.deploy(shop1, undefined, ada);
  deepStrictEqual(trial.components("shop"), ["web wants running, seen running, deployed v1 by 2"]);
});

Deno.test("a tidying that fails is still a success, and the next deploy cleans it up", async () => {
  await using trial = await serving();
  trial.runtime.fail("remove");
  const outcome = only((await trial.rollout.deploy(shop2, undefined, ada)).outcomes);
  deepStrictEqual([outcome.success, outcome.error], [true, ""]);
  deepStrictEqual(await trial.containers(), ["shop-web running v2", "shop-web.previous exited v1"]);
  deepStrictEqual(trial.components("shop"), ["web wants running, seen running, deployed v2 by 2"]);
  trial.runtime.heal();
  await trial.rollout.deploy(shop3, undefined, ada);
  deepStrictEqual(await trial.containers(), ["shop-web running v3"]);
});

/** A runtime that cannot be asked about a container any more once it has proved itself. */
class BlindRuntime extends MemoryRuntime {
  looks = 0;

  override async inspect(name: string, signal?: AbortSignal): Promise<ContainerDetail | undefined> {
    // One look at the beginning of the settle window, and eight until it is over.
    if (++this.looks > 9) throw new McpError("unavailable", "Cannot inspect");
    return await super.inspect(name, signal);
  }
}

Deno.test("a deploy that has proved itself is not looked at again", async () => {
  await using trial = await RolloutTrial.start((clock) => new BlindRuntime({ clock, images }));
  const { outcomes } = await trial.rollout.deploy(shop1, undefined, ada);
  ok(trial.runtime instanceof BlindRuntime && trial.runtime.looks === 9);
  strictEqual(only(outcomes).success, true);
  deepStrictEqual(trial.components("shop"), ["web wants running, seen running, deployed v1 by 1"]);
  deepStrictEqual(trial.revisions("shop"), ["1 succeeded: web succeeded"]);
});

Deno.test("a deploy that cannot be looked at once it is undone is undone all the same", async () => {
  await using trial = await serving();
  const before = trial.components("shop");
  trial.runtime.fail("run");
  trial.runtime.fail("inspect");
  const outcome = only((await trial.rollout.deploy(shop2, undefined, ada)).outcomes);
  match(outcome.error, /; the previous container is back$/);
  trial.runtime.heal();
  deepStrictEqual(await trial.containers(), ["shop-web running v1"]);
  // Nobody has seen what became of it, so nobody says so; the next look does.
  deepStrictEqual(trial.components("shop"), before);
});

Deno.test("a container of another service is not replaced", async () => {
  await using trial = await RolloutTrial.start(images);
  await trial.rollout.deploy(serviceSpec("a-b", componentSpec("c", web1)), undefined, ada);
  const spec = serviceSpec("a", componentSpec("b-c", web2));
  const refusal = await refusalOf(trial.rollout.deploy(spec, undefined, ada), "conflict");
  strictEqual(
    refusal.message,
    'Cannot deploy "a/b-c": its container "a-b-c" belongs to a-b/c',
  );
  deepStrictEqual(await trial.containers(), ["a-b-c running v1"]);
  deepStrictEqual([trial.components("a"), trial.revisions("a")], [[], []]);
});

for (const isDiscovered of [true, false]) {
  const given = isDiscovered ? "that was discovered" : "that nobody has looked at yet";
  Deno.test(`a container MCP did not make is not replaced: one ${given}`, async () => {
    await using trial = await RolloutTrial.start(images);
    await trial.runtime.runByHand("shop-web");
    if (isDiscovered) await trial.observer.observe();
    const refusal = await refusalOf(trial.rollout.deploy(shop1, undefined, ada), "conflict");
    match(refusal.message, /a container "shop-web" exists that MCP did not create$/);
    match(refusal.hint ?? "", /^Run `mcp adopt shop`/);
    strictEqual(trial.components("shop").length, 0);
    deepStrictEqual(trial.runtime.containers, ["shop-web running"]);
  });
}

Deno.test("a container that only carries labels of another component is not replaced", async () => {
  await using trial = await RolloutTrial.start(images);
  await trial.runtime.runByHand("shop-web", {
    labels: { "mcp.service": "shop", "mcp.component": "api" },
  });
  await refusalOf(trial.rollout.deploy(shop1, undefined, ada), "conflict");
});

Deno.test("a container of ours stays ours when the registry has forgotten it", async () => {
  await using trial = await serving();
  trial.registry.transaction(() => {
    for (const table of ["deployments", "components", "services"]) {
      trial.registry.run(`DELETE FROM ${table}`);
    }
  });
  await trial.observer.observe();
  deepStrictEqual(trial.components("shop"), ["web wants ignore, seen running, never deployed"]);
  strictEqual(only((await trial.rollout.deploy(shop2, undefined, ada)).outcomes).success, true);
  deepStrictEqual(await trial.containers(), ["shop-web running v2"]);
});

Deno.test("a name whose discovered container is gone can be deployed", async () => {
  await using trial = await RolloutTrial.start(images);
  await trial.runtime.runByHand("shop-web");
  await trial.observer.observe();
  trial.runtime.removeByHand("shop-web");
  await trial.observer.observe();
  await trial.rollout.deploy(shop1, undefined, ada);
  deepStrictEqual(trial.components("shop"), ["web wants running, seen running, deployed v1 by 1"]);
  deepStrictEqual(trial.components("shop-web"), []);
});

Deno.test("a second rollout of a service is told who holds it, and changes nothing", async () => {
  await using trial = await serving();
  const pull = trial.runtime.hold("pull");
  const first = trial.rollout.deploy(shop2, undefined, ada);
  await pull.reached;
  const bob = { subject: "bob" };
  for (
    const [verb, second] of [
      ["deploy", () => trial.rollout.deploy(shop3, undefined, bob)],
      ["stop", () => trial.rollout.stop("shop", bob)],
      ["start", () => trial.rollout.start("shop", bob)],
      ["restart", () => trial.rollout.restart("shop", bob)],
    ] as const
  ) {
    const refusal = await refusalOf(second(), "conflict");
    match(
      refusal.message,
      new RegExp(`^Cannot ${verb} "shop": a deploy by ada has been running since`),
    );
  }
  pull.release();
  strictEqual(only((await first).outcomes).summary, "replaced v1 by v2");
  deepStrictEqual(trial.revisions("shop").length, 2);
});

Deno.test("different services are rolled out at the same time", async () => {
  await using trial = await RolloutTrial.start(images);
  const pull = trial.runtime.hold("pull", { when: `pull ${web1}` });
  const first = trial.rollout.deploy(shop1, undefined, ada);
  await pull.reached;
  await trial.rollout.deploy(serviceSpec("mail", componentSpec("api", api1)), undefined, ada);
  pull.release();
  await first;
  deepStrictEqual(await trial.containers(), ["mail-api running v1", "shop-web running v1"]);
});

Deno.test("a deploy records nothing when the runtime cannot be asked first", async () => {
  await using trial = await RolloutTrial.start(images);
  trial.runtime.fail("list");
  await refusalOf(trial.rollout.deploy(shop1, undefined, ada), "unavailable");
  deepStrictEqual([trial.components("shop"), trial.revisions("shop")], [[], []]);
  trial.runtime.heal();
  await trial.rollout.deploy(shop1, undefined, ada);
});

Deno.test("what is wanted is written before anything moves", async () => {
  await using trial = await serving();
  const pull = trial.runtime.hold("pull");
  const deploying = trial.rollout.deploy(shop2, undefined, ada);
  await pull.reached;
  deepStrictEqual(trial.revisions("shop").at(-1), "2 running: web running");
  pull.release();
  await deploying;
  const stop = trial.runtime.hold("stop");
  const stopping = trial.rollout.stop("shop", ada);
  await stop.reached;
  deepStrictEqual(trial.components("shop"), ["web wants stopped, seen running, deployed v2 by 2"]);
  stop.release();
  await stopping;
});

interface Lifecycle {
  readonly given: string;
  readonly arrange: (trial: RolloutTrial) => void | Promise<void>;
  readonly verb: "stop" | "start" | "restart";
  /** Summary or error of the one outcome. */
  readonly outcome: string;
  readonly containers: readonly string[];
  readonly component: string;
  readonly event?: string;
}

const nothing = () => {};
const deployed = "deployed v1 by 1";
const lifecycles: readonly Lifecycle[] = [
  {
    given: "one that runs",
    arrange: nothing,
    verb: "stop",
    outcome: "stopped",
    containers: ["shop-web exited v1"],
    component: `web wants stopped, seen stopped, ${deployed}`,
    event: "web running to stopped: stop by ada",
  },
  {
    given: "one that has ended",
    arrange: ({ runtime }) => runtime.stopByHand("shop-web"),
    verb: "stop",
    outcome: "already stopped",
    containers: ["shop-web exited v1"],
    component: `web wants stopped, seen stopped, ${deployed}`,
    event: "web running to stopped: stop by ada",
  },
  {
    given: "one that is gone",
    arrange: ({ runtime }) => runtime.removeByHand("shop-web"),
    verb: "stop",
    outcome: "already stopped",
    containers: [],
    component: `web wants stopped, seen removed, ${deployed}`,
    event: "web running to removed: stop by ada",
  },
  {
    given: "one that runs",
    arrange: nothing,
    verb: "start",
    outcome: "already running",
    containers: ["shop-web running v1"],
    component: `web wants running, seen running, ${deployed}`,
  },
  {
    given: "one that was stopped",
    arrange: async ({ rollout }) => void await rollout.stop("shop", ada),
    verb: "start",
    outcome: "started",
    containers: ["shop-web running v1"],
    component: `web wants running, seen running, ${deployed}`,
    event: "web stopped to running: start by ada",
  },
  {
    given: "one that is gone",
    arrange: ({ runtime }) => runtime.removeByHand("shop-web"),
    verb: "start",
    outcome: "created again v1",
    containers: ["shop-web running v1"],
    component: `web wants running, seen running, ${deployed}`,
  },
  {
    given: "one that runs",
    arrange: nothing,
    verb: "restart",
    outcome: "restarted",
    containers: ["shop-web running v1"],
    component: `web wants running, seen running, ${deployed}`,
  },
  {
    given: "one that has ended",
    arrange: ({ runtime }) => runtime.stopByHand("shop-web"),
    verb: "restart",
    outcome: "restarted",
    containers: ["shop-web running v1"],
    component: `web wants running, seen running, ${deployed}`,
  },
  {
    given: "one that is gone",
    arrange: ({ runtime }) => runtime.removeByHand("shop-web"),
    verb: "restart",
    outcome: "created again v1",
    containers: ["shop-web running v1"],
    component: `web wants running, seen running, ${deployed}`,
  },
  {
    given: "one that podman will not stop",
    arrange: ({ runtime }) => runtime.fail("stop"),
    verb: "stop",
    outcome: "Cannot stop: podman is out of order",
    containers: ["shop-web running v1"],
    component: `web wants stopped, seen running, ${deployed}`,
  },
  {
    given: "one that podman will not restart",
    arrange: ({ runtime }) => runtime.fail("restart"),
    verb: "restart",
    outcome: "Cannot restart: podman is out of order",
    containers: ["shop-web running v1"],
    component: `web wants running, seen running, ${deployed}`,
  },
  {
    given: "one whose image and container are gone",
    arrange: ({ runtime }) => {
      runtime.removeByHand("shop-web");
      runtime.fail("run", new McpError("not_found", "Cannot run: no such image"));
    },
    verb: "start",
    outcome: "Cannot run: no such image",
    containers: [],
    component: `web wants running, seen removed, ${deployed}`,
    event: "web running to removed: start by ada",
  },
];
for (const { given, arrange, verb, outcome, containers, component, event } of lifecycles) {
  Deno.test(`${verb} of ${given}: ${outcome}`, async () => {
    await using trial = await serving();
    await arrange(trial);
    const before = trial.events("shop");
    const { success, summary, error } = only(await trial.rollout[verb]("shop", ada));
    deepStrictEqual([success ? summary : error], [outcome]);
    deepStrictEqual(await trial.containers(), containers);
    deepStrictEqual(trial.components("shop"), [component]);
    deepStrictEqual(trial.events("shop"), event === undefined ? before : [...before, event]);
  });
}

Deno.test("start makes a container again from what was deployed, not from what is declared", async () => {
  await using trial = await serving();
  trial.registry.transaction(() => declareService(trial.registry, shop3, trial.clock.now()));
  trial.runtime.removeByHand("shop-web");
  await trial.rollout.start("shop", ada);
  deepStrictEqual(await trial.containers(), ["shop-web running v1"]);
  strictEqual((await trial.runtime.list())[0]?.labels["mcp.revision"], "1");
});

for (const verb of ["start", "restart"] as const) {
  Deno.test(`${verb} of a component that was never deployed says to deploy it`, async () => {
    await using trial = await serving();
    const both = serviceSpec("shop", componentSpec("web", web1), componentSpec("api", api1));
    trial.registry.transaction(() => declareService(trial.registry, both, trial.clock.now()));
    const [web, api] = await trial.rollout[verb]("shop", ada);
    deepStrictEqual(
      [web?.success, api?.success, api?.error],
      [
        true,
        false,
        'Cannot start "shop/api": it was never deployed (Run `mcp deploy shop/api`)',
      ],
    );
  });
}

for (const verb of ["stop", "start", "restart"] as const) {
  Deno.test(`${verb} of a service that the node does not know is refused`, async () => {
    await using trial = await serving();
    await trial.runtime.runByHand("postgres");
    await trial.observer.observe();
    for (const name of ["nobody", "postgres"]) {
      const refusal = await refusalOf(trial.rollout[verb](name, ada), "not_found");
      strictEqual(refusal.message, `There is no service "${name}" on this node`);
    }
    deepStrictEqual(trial.runtime.containers, ["postgres running", "shop-web running"]);
  });
}

Deno.test("stop keeps what is wanted when the runtime cannot be asked", async () => {
  await using trial = await serving();
  trial.runtime.fail("list");
  await refusalOf(trial.rollout.stop("shop", ada), "unavailable");
  deepStrictEqual(trial.components("shop"), ["web wants stopped, seen running, deployed v1 by 1"]);
});

Deno.test("restart leaves alone what should be stopped", async () => {
  await using trial = await RolloutTrial.start(images);
  const both = serviceSpec("shop", componentSpec("web", web1), componentSpec("api", api1));
  await trial.rollout.deploy(both, undefined, ada);
  trial.registry.transaction(() =>
    wantComponent(trial.registry, "shop", "api", "stopped", trial.clock.now())
  );
  trial.runtime.stopByHand("shop-api");
  const outcomes = await trial.rollout.restart("shop", ada);
  deepStrictEqual(outcomes.map(({ component }) => component), ["web"]);
  deepStrictEqual(await trial.containers(), ["shop-api exited v1", "shop-web running v1"]);
});

Deno.test("restart of a service that should be stopped says to start it", async () => {
  await using trial = await serving();
  await trial.rollout.stop("shop", ada);
  const refusal = await refusalOf(trial.rollout.restart("shop", ada), "conflict");
  strictEqual(refusal.hint, "Run `mcp start shop`");
});

interface Interruption {
  readonly during: string;
  readonly verb: Verb;
  readonly when?: string;
  readonly afterwards?: boolean;
  /** What serves after the agent has started again. */
  readonly serves: "v1" | "v2";
}

const interruptions: readonly Interruption[] = [
  { during: "the pull", verb: "pull", serves: "v1" },
  { during: "the rename", verb: "rename", serves: "v1" },
  { during: "the rename, once it is done", verb: "rename", afterwards: true, serves: "v1" },
  { during: "the stop", verb: "stop", serves: "v1" },
  { during: "the stop, once it is done", verb: "stop", afterwards: true, serves: "v1" },
  { during: "the run", verb: "run", serves: "v1" },
  { during: "the run, once it is done", verb: "run", afterwards: true, serves: "v1" },
  { during: "the proof", verb: "inspect", serves: "v1" },
  { during: "the tidying", verb: "remove", when: "remove shop-web.previous", serves: "v2" },
  {
    during: "the tidying, once it is done",
    verb: "remove",
    when: "remove shop-web.previous",
    afterwards: true,
    serves: "v2",
  },
];
for (const { during, verb, when, afterwards = false, serves } of interruptions) {
  Deno.test(`a deploy called off during ${during} is put right when the agent starts again`, async () => {
    await using trial = await serving();
    const hanging = trial.runtime.hang(verb, {
      afterwards,
      ...(when === undefined ? {} : { when }),
    });
    const deploying = trial.rollout.deploy(shop2, undefined, ada);
    await hanging;
    trial.callOff();
    await rejects(deploying);
    await trial.locks.idle();
    strictEqual(trial.revisions("shop").at(-1)?.split(":")[0], "2 interrupted");

    trial.runtime.heal();
    await trial.startAgain();
    deepStrictEqual(await trial.containers(), [`shop-web running ${serves}`]);
    const component = serves === "v1" ? "interrupted" : "succeeded";
    strictEqual(trial.revisions("shop").at(-1), `2 interrupted: web ${component}`);
    await trial.observer.observe();
    const by = serves === "v1" ? 1 : 2;
    deepStrictEqual(trial.components("shop"), [
      `web wants running, seen running, deployed ${serves} by ${by}`,
    ]);

    const again = only((await trial.rollout.deploy(shop3, undefined, ada)).outcomes);
    strictEqual(again.summary, `replaced ${serves} by v3`);
    deepStrictEqual(await trial.containers(), ["shop-web running v3"]);
  });
}

Deno.test("a revision that was killed without a word is found interrupted", async () => {
  await using trial = await serving();
  const hanging = trial.runtime.hang("run", { afterwards: true });
  const deploying = trial.rollout.deploy(shop2, undefined, ada);
  await hanging;
  strictEqual(trial.revisions("shop").at(-1), "2 running: web running");
  // Killed: nobody gets to write anything, and the one that starts again finds this.
  trial.runtime.heal();
  await trial.startAgain();
  strictEqual(trial.revisions("shop").at(-1), "2 interrupted: web interrupted");
  deepStrictEqual(await trial.containers(), ["shop-web running v1"]);
  void deploying;
});

Deno.test("a recovery that fails for one component goes on with the others", async () => {
  await using trial = await RolloutTrial.start(images);
  await trial.rollout.deploy(shop1, undefined, ada);
  await trial.rollout.deploy(serviceSpec("mail", componentSpec("web", web1)), undefined, ada);
  await trial.runtime.rename("shop-web", "shop-web.previous");
  await trial.runtime.rename("mail-web", "mail-web.previous");
  trial.runtime.fail("rename", undefined, { when: "rename mail-web.previous mail-web" });
  await trial.startAgain();
  deepStrictEqual(trial.runtime.containers, ["mail-web.previous running", "shop-web running"]);
});

Deno.test("a recovery leaves stopped what should be stopped", async () => {
  await using trial = await serving();
  await trial.rollout.stop("shop", ada);
  await trial.runtime.rename("shop-web", "shop-web.previous");
  await trial.startAgain();
  deepStrictEqual(await trial.containers(), ["shop-web exited v1"]);
});
