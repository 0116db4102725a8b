import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import type { ComponentOutcome } from "../../agent/change/rollout/execute.ts";
import type { DeployOptions } from "../../agent/change/rollout/deploy.ts";
import type { ComponentSpec } from "../../lib/domain/component_spec.ts";
import {
  type HealthCheck,
  healthCheckDefaults,
  type Probe,
} from "../../lib/domain/health_check.ts";
import type { Verdict } from "../../lib/domain/verdict.ts";
import { McpError } from "../../lib/errors.ts";
import { freePort } from "../../deploy/sandbox/free_port.ts";
import { throwawayCertificates } from "../support/certificates.ts";
import type { ContainerScript, Verb } from "../support/memory_runtime.ts";
import { ada, componentSpec, RolloutTrial, serviceSpec } from "../support/rollout_trial.ts";

const web1 = "registry.example/web:v1";
const web2 = "registry.example/web:v2";
const db1 = "registry.example/db:v1";

/** What `RollOut` asks for by itself. */
const rollOut: DeployOptions = { keepUnchanged: true, mayStartFirst: true };

function check(probe: Probe, change: Partial<HealthCheck> = {}): HealthCheck {
  return { probe, ...healthCheckDefaults, ...change };
}

/** A web server in the place of a component's; `await using` ends it. */
function serveHttp(port: number, answer: (path: string) => Response): AsyncDisposable {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port, onListen: () => {} },
    (request) => answer(new URL(request.url).pathname),
  );
  return { [Symbol.asyncDispose]: async () => await server.shutdown() };
}

/** A component whose port answers as the test says. */
function webAt(port: number, probe: Probe, change: Partial<ComponentSpec> = {}): ComponentSpec {
  return componentSpec("web", web2, {
    ports: [`127.0.0.1:${port}:8080`],
    healthcheck: check(probe),
    ...change,
  });
}

function only(outcomes: readonly ComponentOutcome[]): ComponentOutcome {
  const [outcome, ...rest] = outcomes;
  ok(outcome !== undefined && rest.length === 0, `${outcomes.length} outcomes`);
  return outcome;
}

/** A node on which version 1 serves, and an image of version 2 that does as it is told. */
async function serving(script: ContainerScript = {}): Promise<RolloutTrial> {
  const trial = await RolloutTrial.start([web1, web2, db1]);
  await trial.rollout.deploy(serviceSpec("shop", componentSpec("web", web1)), undefined, ada);
  trial.runtime.publish(web2, script);
  trial.runtime.calls.length = 0;
  return trial;
}

const http: Probe = { kind: "http", port: 8080, path: "/healthz" };

interface HttpCase {
  readonly given: string;
  /** Undefined = nobody listens. */
  readonly answer: ((path: string, asked: number) => Response) | undefined;
  readonly probe?: Probe;
  readonly script?: ContainerScript;
  readonly verdict: Verdict;
  readonly lastProbe: RegExp;
  readonly error: RegExp;
}

const good = () => new Response("ok");
const httpCases: readonly HttpCase[] = [
  {
    given: "a good answer",
    answer: good,
    verdict: "healthy",
    lastProbe: /^HTTP 200$/,
    error: /^$/,
  },
  {
    given: "a redirect",
    answer: () => new Response(null, { status: 302, headers: { location: "/login" } }),
    verdict: "healthy",
    lastProbe: /^HTTP 302$/,
    error: /^$/,
  },
  {
    given: "bad answers at first, and then a good one",
    answer: (_, asked) => asked < 5 ? new Response("warming up", { status: 503 }) : good(),
    verdict: "healthy",
    lastProbe: /^HTTP 200$/,
    error: /^$/,
  },
  {
    given: "a path that is not there",
    answer: (path) => path === "/" ? good() : new Response("no such page", { status: 404 }),
    verdict: "unhealthy",
    lastProbe: /^HTTP 404: no such page$/,
    error:
      /^Container "shop-web" is not healthy: HTTP 404: no such page; the previous container is back$/,
  },
  {
    given: "nobody who listens",
    answer: undefined,
    verdict: "timed_out",
    lastProbe: /^connection refused$/,
    error:
      /^Container "shop-web" did not become healthy within 2m: connection refused; the previous container is back$/,
  },
  {
    given: "a crash while nobody answers yet",
    answer: undefined,
    script: { exit: { code: 3, afterMs: 2_000 }, exits: 1, log: ["no config"] },
    verdict: "crashed",
    lastProbe: /^connection refused$/,
    error: /^Container "shop-web" did not stay up: it crashed with exit code 3 and was restarted; /,
  },
  {
    given: "a good answer of somebody else while the container crashes",
    answer: good,
    script: { exit: { code: 3, afterMs: 0 } },
    verdict: "crashed",
    lastProbe: /^$/,
    error: /it crashed with exit code 3/,
  },
  {
    given: "a connection that is held",
    answer: good,
    probe: { kind: "tcp", port: 8080 },
    verdict: "healthy",
    lastProbe: /^connected$/,
    error: /^$/,
  },
  {
    given: "no connection",
    answer: undefined,
    probe: { kind: "tcp", port: 8080 },
    verdict: "timed_out",
    lastProbe: /^connection refused$/,
    error: /did not become healthy within 2m: connection refused/,
  },
  {
    given: "a command that succeeds",
    answer: undefined,
    probe: { kind: "exec", command: ["pg_isready"] },
    verdict: "healthy",
    lastProbe: /^exit code 0$/,
    error: /^$/,
  },
  {
    given: "a command that fails",
    answer: undefined,
    probe: { kind: "exec", command: ["pg_isready"] },
    script: { exec: () => ({ code: 2, output: "starting\nno response" }) },
    verdict: "unhealthy",
    lastProbe: /^exit code 2: no response$/,
    error: /^Container "shop-web" is not healthy: exit code 2: no response; /,
  },
];
for (const { given, answer, probe = http, script = {}, ...expected } of httpCases) {
  Deno.test(`a deploy with a ${probe.kind} check and ${given} ends ${expected.verdict}`, async () => {
    await using trial = await serving(script);
    const port = freePort();
    let asked = 0;
    await using _server = answer && serveHttp(port, (path) => answer(path, ++asked));
    const spec = serviceSpec("shop", webAt(port, probe));
    const outcome = only((await trial.rollout.deploy(spec, undefined, ada)).outcomes);
    strictEqual(outcome.verdict, expected.verdict);
    match(outcome.lastProbe, expected.lastProbe);
    match(outcome.error, expected.error);
    const isGood = expected.verdict === "healthy";
    strictEqual(outcome.success, isGood);
    strictEqual(outcome.putBack, !isGood);
    deepStrictEqual(await trial.containers(), [`shop-web running ${isGood ? "v2" : "v1"}`]);
    if (outcome.verdict === "crashed") strictEqual(outcome.exitCode, 3);
    if (script.log !== undefined) ok(outcome.logTail.includes("no config"));
  });
}

Deno.test("a good answer of what crashes right behind it is not believed", async () => {
  await using trial = await serving();
  const port = freePort();
  await using _server = serveHttp(port, () => {
    trial.runtime.crash("shop-web", 3);
    return good();
  });
  const spec = serviceSpec("shop", webAt(port, http));
  const outcome = only((await trial.rollout.deploy(spec, undefined, ada)).outcomes);
  deepStrictEqual([outcome.verdict, outcome.exitCode, outcome.restartCount, outcome.lastProbe], [
    "crashed",
    3,
    1,
    "HTTP 200",
  ]);
});

Deno.test("a tcp check is not satisfied by somebody who accepts and hangs up", async () => {
  await using trial = await serving();
  // As the port's forwarder does when nobody listens in the container.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = (async () => {
    for await (const connection of listener) connection.close();
  })();
  const probe: Probe = { kind: "tcp", port: 8080 };
  const spec = webAt(listener.addr.port, probe, {
    healthcheck: check(probe, { startPeriodMs: 2_000, intervalMs: 500 }),
  });
  const outcome = only(
    (await trial.rollout.deploy(serviceSpec("shop", spec), undefined, ada)).outcomes,
  );
  deepStrictEqual([outcome.verdict, outcome.lastProbe], ["timed_out", "hung up on"]);
  listener.close();
  await accepting;
});

Deno.test("an https check takes whatever certificate is shown", async () => {
  await using trial = await serving();
  const { certificate, key } = await throwawayCertificates();
  const options = { hostname: "127.0.0.1", port: 0, cert: certificate, key, onListen: () => {} };
  const server = Deno.serve(options, () => good());
  const spec = webAt(server.addr.port, { kind: "https", port: 8080, path: "/" });
  const outcome = only(
    (await trial.rollout.deploy(serviceSpec("shop", spec), undefined, ada)).outcomes,
  );
  deepStrictEqual([outcome.verdict, outcome.lastProbe], ["healthy", "HTTP 200"]);
  await server.shutdown();
});

Deno.test("an answer that does not come in time is told as that", async () => {
  await using trial = await serving();
  const never = Promise.withResolvers<Response>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async () => await never.promise,
  );
  const spec = webAt(server.addr.port, http, {
    healthcheck: check(http, { timeoutMs: 100, startPeriodMs: 0, intervalMs: 100 }),
  });
  const outcome = only(
    (await trial.rollout.deploy(serviceSpec("shop", spec), undefined, ada)).outcomes,
  );
  deepStrictEqual([outcome.verdict, outcome.lastProbe], ["timed_out", "no answer within 0.1 s"]);
  never.resolve(new Response());
  await server.shutdown();
});

Deno.test("what a crash was is told in full", async () => {
  await using trial = await serving({
    exit: { code: 137, afterMs: 1_000, oomKilled: true },
    log: Array.from({ length: 60 }, (_, line) => `line ${line}`),
  });
  const spec = serviceSpec("shop", componentSpec("web", web2, { restart: "no" }));
  const outcome = only((await trial.rollout.deploy(spec, undefined, ada)).outcomes);
  const { verdict, exitCode, oomKilled, putBack, error, logTail } = outcome;
  deepStrictEqual([verdict, exitCode, oomKilled, putBack], ["crashed", 137, true, true]);
  strictEqual(
    error,
    'Container "shop-web" did not stay up: it ended with exit code 137 (out of memory); the previous container is back',
  );
  deepStrictEqual([logTail.length, logTail[0], logTail.at(-1)], [50, "line 10", "line 59"]);
});

// --- Jobs ---

const job = (change: Partial<ComponentSpec> = {}) =>
  serviceSpec(
    "shop",
    componentSpec("web", web2, { kind: "job", restart: "no", ...change }),
  );

interface JobCase {
  readonly given: string;
  readonly script: ContainerScript;
  readonly restart?: string;
  readonly verdict: Verdict;
  readonly error: string;
}

const jobCases: readonly JobCase[] = [
  {
    given: "that succeeds after ten minutes",
    script: { exit: { code: 0, afterMs: 600_000 } },
    verdict: "completed",
    error: "",
  },
  {
    given: "that succeeds at once",
    script: { exit: { code: 0, afterMs: 0 } },
    verdict: "completed",
    error: "",
  },
  {
    given: "that fails",
    script: { exit: { code: 4, afterMs: 5_000 } },
    verdict: "crashed",
    error: 'Job "shop-web" failed: it ended with exit code 4',
  },
  {
    given: "that fails once and may be run again",
    script: { exit: { code: 0, afterMs: 1_000 } },
    restart: "on-failure:2",
    verdict: "completed",
    error: "",
  },
  {
    given: "that fails however often it is run",
    script: { exit: { code: 4, afterMs: 1_000 } },
    restart: "on-failure:2",
    verdict: "crashed",
    error: 'Job "shop-web" failed: it ended with exit code 4',
  },
  {
    given: "that does not end",
    script: {},
    verdict: "timed_out",
    error: 'Job "shop-web" did not end within 1h',
  },
];
for (const { given, script, restart = "no", verdict, error } of jobCases) {
  Deno.test(`a deploy of a job ${given} ends ${verdict}`, async () => {
    await using trial = await RolloutTrial.start([]);
    trial.runtime.publish(web2, script);
    const outcome = only((await trial.rollout.deploy(job({ restart }), undefined, ada)).outcomes);
    deepStrictEqual([outcome.verdict, outcome.error], [verdict, error]);
    deepStrictEqual(
      await trial.containers(),
      verdict === "completed" ? ["shop-web exited v2"] : [],
    );
  });
}

Deno.test("a job that has completed is kept, and start runs it again", async () => {
  await using trial = await RolloutTrial.start([]);
  trial.runtime.publish(web2, { exit: { code: 0, afterMs: 1_000 }, log: ["done"] });
  await trial.rollout.deploy(job(), undefined, ada);
  const kept = only((await trial.rollout.deploy(job(), undefined, ada, rollOut)).outcomes);
  strictEqual(kept.verdict, "kept");
  const again = only(await trial.rollout.start("shop", ada));
  deepStrictEqual([again.verdict, again.summary], ["completed", "started"]);
  deepStrictEqual(await trial.runtime.logTail("shop-web", 50), ["done", "done"]);
});

Deno.test("a job that did not complete is not kept", async () => {
  await using trial = await RolloutTrial.start([]);
  trial.runtime.publish(web2, { exit: { code: 0, afterMs: 1_000 } });
  await trial.rollout.deploy(job(), undefined, ada);
  await trial.runtime.start("shop-web");
  trial.runtime.crash("shop-web", 9);
  const outcome = only((await trial.rollout.deploy(job(), undefined, ada, rollOut)).outcomes);
  strictEqual(outcome.verdict, "completed");
});

// --- When it is asked ---

interface CadenceCase {
  readonly given: string;
  readonly probe: Probe;
  readonly startPeriodMs: number;
  /** Ms between a bad answer and the next question. */
  readonly waits: readonly number[];
}

const cadenceCases: readonly CadenceCase[] = [
  {
    given: "a port may need its time",
    probe: http,
    startPeriodMs: 30_000,
    waits: [25, 50, 100, 200, 500, 500],
  },
  { given: "a port may need none", probe: http, startPeriodMs: 0, waits: [100, 200, 500, 500] },
  {
    given: "each question is a program",
    probe: { kind: "exec", command: ["pg_isready"] },
    startPeriodMs: 30_000,
    waits: [100, 200, 500, 500],
  },
];
for (const { given, probe, startPeriodMs, waits } of cadenceCases) {
  Deno.test(`a component is asked less and less often where ${given}`, async () => {
    const port = freePort();
    const askedAt: number[] = [];
    const isGood = () => {
      askedAt.push(trial.clock.now().getTime());
      return askedAt.length > waits.length;
    };
    await using trial = await serving({
      exec: () => ({ code: isGood() ? 0 : 1, output: "starting" }),
    });
    await using _server = serveHttp(port, () => new Response("", { status: isGood() ? 200 : 503 }));
    const healthcheck = check(probe, { startPeriodMs, retries: 10 });
    const spec = serviceSpec("shop", webAt(port, probe, { healthcheck }));
    const outcome = only((await trial.rollout.deploy(spec, undefined, ada)).outcomes);
    strictEqual(outcome.verdict, "healthy");
    deepStrictEqual(askedAt.slice(1).map((at, place) => at - (askedAt[place] ?? 0)), waits);
  });
}

// --- Dependencies ---

const dependent = serviceSpec(
  "shop",
  componentSpec("web", web1, { dependsOn: ["db"] }),
  componentSpec("db", db1),
);

Deno.test("a component waits until what it depends on has proved itself", async () => {
  await using trial = await RolloutTrial.start([web1, db1]);
  await trial.rollout.deploy(dependent, undefined, ada);
  const runs = trial.runtime.calls.filter((call) => /^(run|pull) /.test(call));
  deepStrictEqual(runs, [
    `pull ${db1}`,
    `run shop-db ${db1}`,
    `pull ${web1}`,
    `run shop-web ${web1}`,
  ]);
});

Deno.test("a component is not tried when what it depends on fails", async () => {
  await using trial = await RolloutTrial.start([web1, db1]);
  trial.runtime.publish(db1, { exit: { code: 1, afterMs: 100 } });
  const { outcomes } = await trial.rollout.deploy(dependent, undefined, ada);
  deepStrictEqual(
    outcomes.map(({ component, verdict, error }) => [component, verdict, error.slice(0, 60)]),
    [
      ["web", "skipped", 'Not tried: it depends on "db", which crashed; nothing was ch'],
      ["db", "crashed", 'Container "shop-db" did not stay up: it crashed with exit co'],
    ],
  );
  deepStrictEqual(await trial.containers(), []);
  strictEqual(trial.revisions("shop")[0], "1 failed: web failed, db failed");
});

Deno.test("a deploy of one component asks what it depends on to be up", async () => {
  await using trial = await RolloutTrial.start([web1, db1]);
  const early = only((await trial.rollout.deploy(dependent, "web", ada)).outcomes);
  deepStrictEqual([early.verdict, early.error], [
    "skipped",
    'Not tried: it depends on "db", which has no container; nothing was changed',
  ]);
  await trial.rollout.deploy(dependent, "db", ada);
  strictEqual(only((await trial.rollout.deploy(dependent, "web", ada)).outcomes).success, true);
});

Deno.test("start begins with what others depend on", async () => {
  await using trial = await RolloutTrial.start([web1, db1]);
  await trial.rollout.deploy(dependent, undefined, ada);
  await trial.rollout.stop("shop", ada);
  trial.runtime.calls.length = 0;
  await trial.rollout.start("shop", ada);
  deepStrictEqual(trial.runtime.calls.filter((call) => call.startsWith("start")), [
    "start shop-db",
    "start shop-web",
  ]);
});

// --- The new container beside the old one ---

const beside = serviceSpec("shop", componentSpec("web", web2));

Deno.test("where nothing is in its way the new container proves itself beside the old one", async () => {
  await using trial = await serving();
  const outcome = only((await trial.rollout.deploy(beside, undefined, ada, rollOut)).outcomes);
  deepStrictEqual([outcome.verdict, outcome.summary], ["running", "replaced v1 by v2"]);
  deepStrictEqual(trial.runtime.calls.filter((call) => !/^(inspect|list)/.test(call)), [
    "describeAll 1",
    `pull ${web2}`,
    `run shop-web.next ${web2}`,
    "rename shop-web shop-web.previous",
    "rename shop-web.next shop-web",
    "stop shop-web.previous",
    "remove shop-web.previous",
  ]);
  deepStrictEqual(await trial.containers(), ["shop-web running v2"]);
  deepStrictEqual(trial.components("shop"), ["web wants running, seen running, deployed v2 by 2"]);
});

interface BesideFailure {
  readonly step: string;
  readonly break: (trial: RolloutTrial) => void;
  readonly error: RegExp;
}

const besideFailures: readonly BesideFailure[] = [
  {
    step: "the run",
    break: ({ runtime }) => runtime.fail("run"),
    error: /^Cannot run: podman is out of order; the previous container still serves$/,
  },
  {
    step: "the run, which was done all the same",
    break: ({ runtime }) => runtime.fail("run", undefined, { afterwards: true }),
    error: /; the previous container still serves$/,
  },
  {
    step: "the proof",
    break: ({ runtime }) => runtime.publish(web2, { exit: { code: 5, afterMs: 2_000 } }),
    error: /it crashed with exit code 5 and was restarted; the previous container still serves$/,
  },
  ...[
    "rename shop-web shop-web.previous",
    "rename shop-web.next shop-web",
  ].flatMap((when): BesideFailure[] =>
    [false, true].map((afterwards) => ({
      step: `${when}${afterwards ? ", which was done all the same" : ""}`,
      break: ({ runtime }: RolloutTrial) =>
        runtime.fail("rename", undefined, { when, afterwards, times: 1 }),
      error: /^Cannot rename: podman is out of order; the previous container still serves$/,
    }))
  ),
];
for (const { step, break: breakIt, error } of besideFailures) {
  Deno.test(`a rollout beside the old container leaves it undisturbed when this fails: ${step}`, async () => {
    await using trial = await serving();
    const before = await trial.runtime.inspect("shop-web");
    breakIt(trial);
    const outcome = only((await trial.rollout.deploy(beside, undefined, ada, rollOut)).outcomes);
    match(outcome.error, error);
    trial.runtime.heal();
    deepStrictEqual(await trial.containers(), ["shop-web running v1"]);
    deepStrictEqual(await trial.runtime.inspect("shop-web"), before);
    trial.runtime.publish(web2);
    const again = only((await trial.rollout.deploy(beside, undefined, ada, rollOut)).outcomes);
    strictEqual(again.success, true);
    deepStrictEqual(await trial.containers(), ["shop-web running v2"]);
  });
}

/** Every call that a rollout beside the old container makes. */
const besideCalls: readonly string[] = [
  "list",
  "describeAll 1",
  `pull ${web2}`,
  `inspectImages ${web2}`,
  `run shop-web.next ${web2}`,
  "inspect shop-web.next",
  "rename shop-web shop-web.previous",
  "rename shop-web.next shop-web",
  "stop shop-web.previous",
  "remove shop-web.previous",
];

Deno.test("the calls at which a rollout beside the old container is killed are all there are", async () => {
  await using trial = await serving();
  await trial.rollout.deploy(beside, undefined, ada, rollOut);
  deepStrictEqual([...new Set(trial.runtime.calls)].sort(), [...besideCalls].sort());
});

for (const call of besideCalls) {
  for (const afterwards of [false, true]) {
    const when = `${afterwards ? "after" : "at"} ${call}`;
    Deno.test(`an agent killed ${when} never leaves the service worse`, async () => {
      await using trial = await serving();
      const old = await trial.runtime.inspect("shop-web");
      const verb = call.split(" ")[0] as Verb;
      const hanging = trial.runtime.hang(verb, { when: call, afterwards });
      const deploying = trial.rollout.deploy(beside, undefined, ada, rollOut);
      deploying.catch(() => {});
      await hanging;
      // Somebody serves at every moment, whatever it is called by then.
      ok(trial.runtime.containers.some((line) => line.endsWith(" running")));
      trial.runtime.heal();
      await trial.startAgain();
      const containers = await trial.containers();
      const isTidying = ["stop", "remove"].includes(verb);
      deepStrictEqual(containers, [`shop-web running ${isTidying ? "v2" : "v1"}`]);
      if (!isTidying) deepStrictEqual(await trial.runtime.inspect("shop-web"), old);
      await trial.observer.observe();
      const outcome = only((await trial.rollout.deploy(beside, undefined, ada, rollOut)).outcomes);
      strictEqual(outcome.verdict, isTidying ? "kept" : "running");
      deepStrictEqual(await trial.containers(), ["shop-web running v2"]);
    });
  }
}

Deno.test("what has proved itself is remembered as it was seen, before anything is tidied up", async () => {
  await using trial = await serving();
  await trial.runtime.stop("shop-web", 0);
  await trial.observer.observe();
  const tidying = trial.runtime.hang("remove", { when: "remove shop-web.previous" });
  const spec = serviceSpec("shop", componentSpec("web", web2));
  trial.rollout.deploy(spec, undefined, ada).catch(() => {});
  await tidying;
  const remembered = ["web wants running, seen running, deployed v2 by 2"];
  deepStrictEqual(trial.components("shop"), remembered);
  strictEqual(trial.events("shop").at(-1), "web exited to running: deploy by ada");
  const events = trial.events("shop").length;
  trial.runtime.heal();
  await trial.startAgain();
  await trial.observer.observe();
  deepStrictEqual(trial.components("shop"), remembered);
  strictEqual(trial.events("shop").length, events);
  deepStrictEqual(await trial.containers(), ["shop-web running v2"]);
});

Deno.test("a container that proves itself beside is nobody's discovery", async () => {
  await using trial = await serving();
  const run = trial.runtime.hold("inspect", { when: "inspect shop-web.next" });
  const deploying = trial.rollout.deploy(beside, undefined, ada, rollOut);
  await run.reached;
  await trial.observer.observe();
  deepStrictEqual(trial.components("shop-web.next"), []);
  run.release();
  await deploying;
});

Deno.test("components that prove themselves side by side are looked at together", async () => {
  const names = ["a", "b", "c", "d"];
  await using trial = await RolloutTrial.start([web1]);
  const spec = serviceSpec("shop", ...names.map((name) => componentSpec(name, web1)));
  await trial.rollout.deploy(spec, undefined, ada);
  const looks = trial.runtime.calls.filter((call) => /^inspect(All)? /.test(call));
  ok(looks.length < 9 * names.length, `${looks.length} looks`);
  ok(looks.some((call) => call.startsWith("inspectAll")), looks.join("\n"));
});

Deno.test("a defect in a dependency's rollout is passed on, and nobody waits for ever", async () => {
  await using trial = await RolloutTrial.start([web1, db1]);
  trial.runtime.fail("run", new TypeError("a defect") as unknown as McpError);
  await rejects(trial.rollout.deploy(dependent, undefined, ada), { message: "a defect" });
});
