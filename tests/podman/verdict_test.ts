import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { freePort } from "../../deploy/sandbox/free_port.ts";
import { ProcessNode } from "../support/agent_process.ts";
import { eventually } from "../support/eventually.ts";
import { quickCheck, rollOut, rolloutTest, wholeOf } from "../support/podman_rollout.ts";
import {
  type ComponentInit,
  openPodmanPlace,
  podman,
  type PodmanPlace,
  TrialService,
} from "../support/podman_trial.ts";
import { startPodmanService } from "../support/podman_service.ts";
import { scripts } from "../support/script_images.ts";
import { ample } from "../support/test_node.ts";

let place: PodmanPlace;
Deno.test.beforeAll(async () => {
  place = await openPodmanPlace();
});
Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

const httpCheck = (path: string) => quickCheck({ probe: "http", port: 8080, path });
/** For what never answers, however long it is waited for. */
const soonGivenUp = { startPeriodMs: 1_000 };
const waits = scripts.stays;
/** For what stays up all the same. */
const soonBelieved = { config: `[rollout]\nsettle = "500ms"\nstop_timeout = "1s"` };

interface Scenario {
  readonly given: string;
  /** What is rolled out over version 1, which serves by then. */
  readonly next: (service: TrialService) => Promise<ComponentInit>;
  readonly verdict: string;
  readonly error: RegExp;
  readonly lastProbe?: RegExp;
  readonly exitCode?: number;
  /** Whether the old container had to be put back; it was never touched otherwise. */
  readonly putBack?: boolean;
}

/** A component whose image runs a script, on the service's port. */
async function scripted(
  service: TrialService,
  script: string,
  change: ComponentInit = {},
): Promise<ComponentInit> {
  const image = await place.scripts.publish(service.name, crypto.randomUUID().slice(0, 8), script);
  return service.web(image, change);
}

const scenarios: readonly Scenario[] = [
  {
    given: "a web server that answers its check",
    next: (service) => Promise.resolve(service.web(place.web.v2, { healthcheck: httpCheck("/") })),
    verdict: "healthy",
    error: /^$/,
    lastProbe: /^HTTP 200$/,
  },
  {
    given: "a check on a path that is not there",
    next: (service) =>
      Promise.resolve(
        service.web(place.web.v2, {
          // The server must have had time to begin, or else it is told that nobody listens.
          healthcheck: { ...httpCheck("/nothing"), startPeriodMs: 4_000 },
        }),
      ),
    verdict: "unhealthy",
    error: /is not healthy: HTTP 404.*; the previous container is back$/,
    lastProbe: /^HTTP 404/,
    putBack: true,
  },
  {
    given: "something that never listens, asked by http",
    next: (service) =>
      scripted(service, waits, { healthcheck: { ...httpCheck("/"), ...soonGivenUp } }),
    verdict: "timed_out",
    error: /did not become healthy within 1s: hung up on; the previous container is back$/,
    putBack: true,
  },
  {
    given: "something that never listens, asked by tcp: the port's forwarder accepts all the same",
    next: (service) =>
      scripted(service, waits, {
        healthcheck: quickCheck({ probe: "tcp", port: 8080, ...soonGivenUp }),
      }),
    verdict: "timed_out",
    error: /: hung up on; the previous container is back$/,
    lastProbe: /^hung up on$/,
    putBack: true,
  },
  {
    given: "a web server, asked by tcp",
    next: (service) =>
      Promise.resolve(
        service.web(place.web.v2, { healthcheck: quickCheck({ probe: "tcp", port: 8080 }) }),
      ),
    verdict: "healthy",
    error: /^$/,
    lastProbe: /^connected$/,
  },
  {
    given: "a command that says it is well",
    next: (service) =>
      scripted(service, waits, {
        healthcheck: quickCheck({ probe: "exec", command: ["true"] }),
      }),
    verdict: "healthy",
    error: /^$/,
    lastProbe: /^exit code 0$/,
  },
  {
    given: "a command that says it is not",
    next: (service) =>
      scripted(service, waits, {
        healthcheck: quickCheck({
          probe: "exec",
          command: ["sh", "-c", "echo no database; exit 2"],
          ...soonGivenUp,
        }),
      }),
    verdict: "unhealthy",
    error: /is not healthy: exit code 2: no database; the previous container is back$/,
    putBack: true,
  },
  {
    given: "a crash at its start",
    next: (service) => scripted(service, "echo no config; exit 3\n", { restart: "no" }),
    verdict: "crashed",
    error: /did not stay up: it ended with exit code 3; the previous container is back$/,
    exitCode: 3,
    putBack: true,
  },
  {
    given: "a crash while its check still waits for it",
    next: (service) =>
      scripted(service, "sleep 0.5; echo lost it; exit 4\n", {
        restart: "no",
        healthcheck: httpCheck("/"),
      }),
    verdict: "crashed",
    error: /did not stay up: it ended with exit code 4; the previous container is back$/,
    exitCode: 4,
    putBack: true,
  },
  {
    given: "a command that is missing",
    next: (service) => Promise.resolve(service.web(place.web.v2, { cmd: ["/no/such/program"] })),
    verdict: "failed",
    error: /\/no\/such\/program.*; the previous container is back$/,
    putBack: true,
  },
  {
    given: "an image that is not there",
    next: (service) => Promise.resolve(service.web(`${place.registry}/nothing:v1`)),
    verdict: "failed",
    error: /^Cannot pull the image .*; nothing was changed$/,
  },
];
for (const scenario of scenarios) {
  rolloutTest(
    `a rollout of ${scenario.given} ends ${scenario.verdict}`,
    async ({ client, service }) => {
      await service.deploy(client, service.web(place.web.v1, { healthcheck: httpCheck("/") }));
      const identity = () => service.inspect(service.name, "{{.Id}}");
      const before = await identity();
      const next = await scenario.next(service);
      const told = await rollOut(client, wholeOf(service, next));
      const result = told.result(service.name);
      strictEqual(result.verdict, scenario.verdict, result.error);
      match(result.error, scenario.error);
      match(result.lastProbe, scenario.lastProbe ?? /^/);
      strictEqual(result.exitCode, scenario.exitCode);
      strictEqual(result.putBack, scenario.putBack ?? false);
      deepStrictEqual(await service.containers(), [`${service.name} running`]);
      if (!result.success) {
        strictEqual(await identity(), before);
        strictEqual(await service.version(), "v1");
      }
      const { drift } = await client.getServiceStatus({ name: service.name }, ample);
      deepStrictEqual(drift.map(({ observedState }) => observedState), []);
    },
  );
}

rolloutTest("a job that ends well has completed, and is no drift", async ({ client, service }) => {
  const image = await place.scripts.publish(service.name, "v1", "sleep 0.3; echo done\n");
  const job = { name: service.name, image, kind: "job" };
  const first = await rollOut(client, wholeOf(service, job));
  strictEqual(first.result(service.name).verdict, "completed");
  deepStrictEqual(await service.containers(), [`${service.name} exited`]);
  const { services, drift } = await client.getServiceStatus({ name: service.name }, ample);
  deepStrictEqual(drift, []);
  const [component] = services[0]?.components ?? [];
  deepStrictEqual([component?.kind, component?.observedState, component?.exitCode], [
    "job",
    "exited",
    0,
  ]);
  const again = await rollOut(client, wholeOf(service, job));
  strictEqual(again.result(service.name).verdict, "kept");
  const { results } = await client.startService({ name: service.name }, ample);
  strictEqual(results[0]?.verdict, "completed");
});

rolloutTest(
  "a job that fails has crashed, and tells what it printed",
  async ({ client, service }) => {
    const image = await place.scripts.publish(service.name, "v1", "echo cannot migrate; exit 9\n");
    const job = { name: service.name, image, kind: "job" };
    const result = (await rollOut(client, wholeOf(service, job))).result(service.name);
    deepStrictEqual([result.verdict, result.exitCode, [...result.logTail]], [
      "crashed",
      9,
      ["cannot migrate"],
    ]);
    match(result.error, /^Job ".*" failed: it ended with exit code 9$/);
  },
);

rolloutTest(
  "what depends on a component that is not healthy is not tried",
  async ({ client, service }) => {
    await service.deploy(client, service.web(place.web.v1, { healthcheck: httpCheck("/") }));
    const before = await service.inspect(service.name, "{{.Id}} {{.State.StartedAt}}");
    const db = {
      name: "db",
      image: await place.scripts.publish(service.name, "db", waits),
      healthcheck: quickCheck({ probe: "exec", command: ["false"], ...soonGivenUp }),
    };
    const web = service.web(place.web.v2, { dependsOn: ["db"] });
    const told = await rollOut(client, wholeOf(service, web, db));
    strictEqual(told.result("db").verdict, "unhealthy");
    const result = told.result(service.name);
    strictEqual(result.verdict, "skipped");
    strictEqual(
      result.error,
      'Not tried: it depends on "db", which is unhealthy; nothing was changed',
    );
    strictEqual(await service.inspect(service.name, "{{.Id}} {{.State.StartedAt}}"), before);
  },
);

rolloutTest("a port that somebody else has fails, and is named", async ({ client, service }) => {
  await service.deploy(client, service.web(place.web.v1, { healthcheck: httpCheck("/") }));
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ports = [`127.0.0.1:${taken.addr.port}:8080`];
  const told = await rollOut(client, wholeOf(service, service.web(place.web.v2, { ports })));
  const result = told.result(service.name);
  strictEqual(result.verdict, "failed");
  // The new one was tried beside the old one: they have no port in common.
  match(result.error, /address already in use.*; the previous container still serves$/i);
  strictEqual(await service.version(), "v1");
  deepStrictEqual(await service.containers(), [`${service.name} running`]);
});

rolloutTest("a start beside the old container leaves no gap", async ({ client, service }) => {
  const other = freePort();
  await service.deploy(client, service.web(place.web.v1, { healthcheck: httpCheck("/") }));
  await service.page();
  const stop = new AbortController();
  let asked = 0;
  let unanswered = 0;
  const answers = async (port: number) => {
    try {
      return (await (await fetch(`http://127.0.0.1:${port}/`)).text()).includes("hello-web");
    } catch {
      return false;
    }
  };
  const asking = (async () => {
    while (!stop.signal.aborted) {
      asked++;
      const both = await Promise.all([answers(service.port), answers(other)]);
      if (!both.includes(true)) unanswered++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const web = service.web(place.web.v2, {
    ports: [`127.0.0.1:${other}:8080`],
    healthcheck: httpCheck("/"),
  });
  const plan = await client.planDeploy(wholeOf(service, web), ample);
  deepStrictEqual(
    plan.components.map(({ action, order, downtimeReason }) => [action, order, downtimeReason]),
    [["replace", "start-first", ""]],
  );
  const { planId } = plan;
  const told = await rollOut(client, { ...wholeOf(service, web), planId });
  stop.abort();
  await asking;
  strictEqual(told.result(service.name).verdict, "healthy");
  strictEqual(unanswered, 0, `${unanswered} of ${asked} were not answered`);
  ok(asked > 10, `${asked} were asked`);
  deepStrictEqual(await service.containers(), [`${service.name} running`]);
});

rolloutTest(
  "a rollout of what is there already keeps it, and a moved tag replaces it",
  async ({ client, service }) => {
    const image = await place.scripts.publish(service.name, "latest", waits);
    const component = service.web(image);
    await rollOut(client, wholeOf(service, component));
    const id = await service.inspect(service.name, "{{.Id}}");
    const kept = await rollOut(client, wholeOf(service, component));
    strictEqual(kept.result(service.name).verdict, "kept");
    strictEqual(await service.inspect(service.name, "{{.Id}}"), id);
    await place.scripts.publish(service.name, "latest", `echo newer\n${waits}`);
    const plan = await client.planDeploy(wholeOf(service, component), ample);
    const [planned] = plan.components;
    deepStrictEqual([planned?.action, [...planned?.notes ?? []]], [
      "replace",
      ["the tag has moved since revision 1"],
    ]);
    deepStrictEqual(planned?.differences.map(({ field }) => field), ["image digest"]);
    const moved = await rollOut(client, wholeOf(service, component));
    strictEqual(moved.result(service.name).verdict, "running");
    ok(await service.inspect(service.name, "{{.Id}}") !== id);
  },
  soonBelieved,
);

rolloutTest(
  "a rollback runs the very image of then, though its tag is another's by now",
  async ({ client, service }) => {
    const says = (what: string) => `echo ${what}\n${waits}`;
    const image = await place.scripts.publish(service.name, "latest", says("first"));
    const component = service.web(image);
    await rollOut(client, wholeOf(service, component));
    const first = await service.inspect(service.name, "{{.Image}}");
    await place.scripts.publish(service.name, "latest", says("second"));
    await rollOut(client, wholeOf(service, component));
    ok(await service.inspect(service.name, "{{.Image}}") !== first);
    const told = await rollOut(client, { service: { name: service.name }, revision: 1 });
    strictEqual(told.result(service.name).verdict, "running", told.result(service.name).error);
    strictEqual(await service.inspect(service.name, "{{.Image}}"), first);
    match(await podman("logs", service.name), /first/);
  },
  soonBelieved,
);

rolloutTest("who attaches is told all steps from the first", async ({ client, service, node }) => {
  const component = service.web(place.web.v1, { healthcheck: httpCheck("/") });
  const request = { operationId: crypto.randomUUID(), ...wholeOf(service, component) };
  const { events } = await rollOut(client, request);
  const attached = await Array.fromAsync(
    node.client().attachRollOut({ service: service.name }, ample),
  );
  deepStrictEqual(attached, [...events]);
  deepStrictEqual([...new Set(events.map(({ kind }) => kind))], [
    "begun",
    "step",
    "progress",
    "probe",
    "component_ended",
    "ended",
  ]);
});

Deno.test("a rollout is asked for again after its agent was killed, and is done once", async (t) => {
  await using podmanService = await startPodmanService();
  await using service = new TrialService();
  await using node = await ProcessNode.make({
    usesPodman: true,
    // Long enough to be killed in the middle of it.
    config: `[rollout]\nsettle = "5s"\nstop_timeout = "1s"\n`,
    agentConfig: `podman_url = "${podmanService.url}"`,
  });
  let agent = await node.start().serving();
  let client = node.client();
  await service.deploy(client, service.web(place.web.v1, { healthcheck: httpCheck("/") }));
  const request = {
    operationId: crypto.randomUUID(),
    ...wholeOf(service, service.web(place.web.v2)),
  };
  const kill = async () => {
    await agent.kill();
    client.close();
    agent = await node.start().serving();
    client = node.client();
  };

  await t.step("in the middle of it", async () => {
    const since = agent.entries.length;
    const rolling = rollOut(client, request).then(() => "ended", () => "cut");
    await agent.logged(
      ({ logger, message }) => logger === "mcp.rollout" && message === `prove ${service.name}`,
      since,
    );
    await kill();
    strictEqual(await rolling, "cut");
    strictEqual(await service.version(), "v1");
    deepStrictEqual(await service.containers(), [`${service.name} running`]);
    const told = await rollOut(client, request);
    strictEqual(told.result(service.name).summary, "replaced v1 by v2");
    strictEqual(await service.version(), "v2");
  });

  await t.step("after it had ended", async () => {
    const id = await service.inspect(service.name, "{{.Id}}");
    await kill();
    const told = await rollOut(client, request);
    strictEqual(told.result(service.name).summary, "replaced v1 by v2");
    strictEqual(told.events.at(-1)?.revision, 3);
    strictEqual(await service.inspect(service.name, "{{.Id}}"), id);
  });
  client.close();
});

/** The steps of a rollout beside the old container, as the agent logs them. */
const besideSteps = (name: string) => [
  `run ${name}.next `,
  `prove ${name}.next`,
  `rename ${name} to ${name}.previous`,
  `rename ${name}.next to ${name}`,
  `stop ${name}.previous`,
  `remove ${name}.previous`,
];

Deno.test("an agent killed while the new container starts beside the old one leaves it serving", async (t) => {
  await using podmanService = await startPodmanService();
  await using service = new TrialService();
  await using node = await ProcessNode.make({
    usesPodman: true,
    config: `[rollout]\nsettle = "300ms"\nstop_timeout = "1s"\n`,
    agentConfig: `podman_url = "${podmanService.url}"`,
  });
  const image = await place.scripts.publish(service.name, "worker", waits);
  const component = (round: number) => ({ name: service.name, image, env: { ROUND: `${round}` } });
  let agent = await node.start().serving();
  let client = node.client();
  await rollOut(client, wholeOf(service, component(0)));
  for (const [at, step] of besideSteps(service.name).entries()) {
    await t.step(`after this had begun: ${step.replaceAll(service.name, "it")}`, async () => {
      const before = await service.inspect(service.name, "{{.Id}} {{.State.StartedAt}}");
      const since = agent.entries.length;
      const rolling = rollOut(client, wholeOf(service, component(at + 1))).then(
        () => "ended",
        () => "cut",
      );
      await agent.logged(
        ({ logger, message }) => logger === "mcp.rollout" && message.startsWith(step),
        since,
      );
      await agent.kill();
      strictEqual(await rolling, "cut");
      client.close();
      agent = await node.start().serving();
      client = node.client();
      deepStrictEqual(agent.messages("ERROR"), []);
      deepStrictEqual(await service.containers(), [`${service.name} running`]);
      const after = await service.inspect(service.name, "{{.Id}} {{.State.StartedAt}}");
      // It was remembered before the tidying, and never before.
      if (/^(stop|remove)/.test(step)) ok(after !== before);
      else strictEqual(after, before);
      const { drift } = await client.getServiceStatus({ name: service.name }, ample);
      deepStrictEqual(drift, []);
    });
  }
  client.close();
});

Deno.test("the permissions of an agent let it ask for health", async (t) => {
  await using service = new TrialService();
  await using node = await ProcessNode.make({
    usesPodman: true,
    config: `[rollout]\nstop_timeout = "1s"\n`,
  });
  await node.start().serving();
  const client = node.client();
  const checks = [httpCheck("/"), quickCheck({ probe: "tcp", port: 8080 })];
  for (const healthcheck of checks) {
    await t.step(`by ${healthcheck.probe}`, async () => {
      const told = await rollOut(
        client,
        wholeOf(service, service.web(place.web.v1, { healthcheck })),
      );
      const { verdict, lastProbe } = told.result(service.name);
      strictEqual(verdict, "healthy", lastProbe);
    });
  }
  client.close();
});

Deno.test("a component that falls ill is told of, and again when it is well", async () => {
  await using service = new TrialService();
  await using node = await ProcessNode.make({
    usesPodman: true,
    config: `[rollout]\nsettle = "300ms"\nstop_timeout = "1s"\n`,
  });
  await node.start().serving();
  const client = node.client();
  const component = {
    name: service.name,
    image: await place.scripts.publish(service.name, "ill", waits),
    volumes: [`${node.folder}/srv/${service.name}:/data`],
    healthcheck: {
      ...quickCheck({ probe: "exec", command: ["test", "!", "-e", "/data/ill"] }),
      startPeriodMs: 0,
    },
  };
  const told = await rollOut(client, wholeOf(service, component));
  strictEqual(told.result(service.name).verdict, "healthy");
  const becomes = async (health: string) =>
    await eventually(`it is ${health}`, async () => {
      const { services, drift } = await client.getServiceStatus({ name: service.name }, ample);
      if (services[0]?.components[0]?.health !== health) return undefined;
      return drift.map(({ observedState }) => observedState);
    });
  deepStrictEqual(await becomes("healthy"), []);
  await Deno.writeTextFile(`${node.folder}/srv/${service.name}/ill`, "");
  deepStrictEqual(await becomes("unhealthy"), ["unhealthy"]);
  await Deno.remove(`${node.folder}/srv/${service.name}/ill`);
  deepStrictEqual(await becomes("healthy"), []);
  const { events } = await client.listEvents({ service: service.name }, ample);
  deepStrictEqual(
    events.slice(0, 2).map(({ prevState, newState, cause }) => [prevState, newState, cause]),
    [["unhealthy", "running", "healthy again"], ["running", "unhealthy", "exit code 1"]],
  );
  client.close();
});
