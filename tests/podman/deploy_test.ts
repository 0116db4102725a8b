import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { Podman } from "../../agent/runtime/podman/podman.ts";
import { freePort } from "../../deploy/sandbox/free_port.ts";
import { errorChain, McpError } from "../../lib/errors.ts";
import { realClock } from "../../lib/system/clock.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";
import { ProcessNode } from "../support/agent_process.ts";
import { eventually } from "../support/eventually.ts";
import { rollOut, wholeOf } from "../support/podman_rollout.ts";
import { startPodmanService } from "../support/podman_service.ts";
import {
  openPodmanPlace,
  podman,
  type PodmanPlace,
  TrialService,
} from "../support/podman_trial.ts";
import { type LogEntry, QuietLogs } from "../support/quiet_logs.ts";
import { ample, type NodeClient, TestNode } from "../support/test_node.ts";

/** A node with real podman, and one service that nobody else has. */
interface Trial {
  readonly node: TestNode<Podman, typeof realClock>;
  readonly client: NodeClient;
  readonly service: TrialService;
  readonly logs: QuietLogs;
}

let place: PodmanPlace;
Deno.test.beforeAll(async () => {
  place = await openPodmanPlace();
});
Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

function deployTest(name: string, prove: (trial: Trial) => Promise<void>): void {
  Deno.test(name, async () => {
    await using logs = await QuietLogs.start();
    await using service = new TrialService();
    await using node = await TestNode.start({
      runtime: new Podman({
        exec: realExec,
        follow: realFollow,
        target: { program: "podman", url: undefined },
        pullTimeoutMs: 30_000,
      }),
      clock: realClock,
      config: `[rollout]\nsettle = "500ms"\nstop_timeout = "1s"`,
      // Folders outside of the node's own; without this they are refused.
      agentConfig: `allow = ["host_mounts"]`,
    });
    await prove({ node, client: node.client(), service, logs });
  });
}

deployTest(
  "deploy puts two components into service, and data outlives their replacement",
  async ({ node, client, service }) => {
    const data = `${node.serviceRoot}/${service.name}/data`;
    const volumes = [`${data}:/data`];
    const clock = { name: "clock", image: place.clock, volumes };
    await service.deploy(client, service.web(place.web.v1, { volumes }), clock);
    strictEqual(await service.version(), "v1");
    await eventually(
      "the clock has written",
      async () => /\d/.test(await service.page("/data/clock.txt")) || undefined,
    );
    await Deno.writeTextFile(`${data}/kept.txt`, "kept");

    const request = service.request(service.web(place.web.v2, { volumes }), clock);
    const { results, revision } = await client.deploy(request, ample);
    deepStrictEqual(
      results.map(({ name, success, summary }) => [name, success, summary]),
      [[service.name, true, "replaced v1 by v2"], ["clock", true, "replaced v1"]],
    );
    strictEqual(revision, 2);
    strictEqual(await service.version(), "v2");
    strictEqual(await service.page("/data/kept.txt"), "kept");
    deepStrictEqual(await service.containers(), [
      `${service.name} running`,
      `${service.name}-clock running`,
    ]);
    strictEqual(
      await service.inspect(
        service.name,
        '{{index .Config.Labels "mcp.service"}} {{index .Config.Labels "mcp.revision"}}',
      ),
      `${service.name} 2`,
    );
  },
);

deployTest(
  "deploy of one component leaves the other's container as it is",
  async ({ client, service }) => {
    const clock = { name: "clock", image: place.clock, volumes: ["/var/tmp:/data"] };
    await service.deploy(client, service.web(place.web.v1), clock);
    const identity = () =>
      service.inspect(`${service.name}-clock`, "{{.Id}} {{.State.StartedAt}} {{.RestartCount}}");
    const before = await identity();
    const request = {
      ...service.request(service.web(place.web.v2), { ...clock, cmd: ["sleep", "1"] }),
      component: service.name,
    };
    const { results } = await client.deploy(request, ample);
    deepStrictEqual(results.map(({ name, success }) => [name, success]), [[service.name, true]]);
    strictEqual(await service.version(), "v2");
    strictEqual(await identity(), before);
    // Declared and deployed are told apart: the other component's new command is an intent only.
    const { declared, deployed } = await client.getServiceSpec({ name: service.name }, ample);
    deepStrictEqual(declared?.components[1]?.cmd, ["sleep", "1"]);
    deepStrictEqual(deployed?.components[1]?.cmd, []);
  },
);

deployTest("deploy removes a component that is no longer listed", async ({ client, service }) => {
  const clock = { name: "clock", image: place.clock, volumes: ["/var/tmp:/data"] };
  await service.deploy(client, service.web(place.web.v1), clock);
  await service.deploy(client, service.web(place.web.v1));
  deepStrictEqual(await service.containers(), [`${service.name} running`]);
  const { services, drift } = await client.getServiceStatus({ name: service.name }, ample);
  deepStrictEqual(services[0]?.components.map(({ name }) => name), [service.name]);
  deepStrictEqual(drift, []);
});

/** What stays true of the container that served before, whatever becomes of a deploy. */
async function requireUntouched(
  { client, service }: Trial,
  change: () => Promise<void>,
): Promise<void> {
  const identity = () => service.inspect(service.name, "{{.Id}}");
  await service.deploy(client, service.web(place.web.v1));
  const before = await identity();
  await change();
  strictEqual(await identity(), before);
  strictEqual(await service.version(), "v1");
  deepStrictEqual(await service.containers(), [`${service.name} running`]);
  const { deployed } = await client.getServiceSpec({ name: service.name }, ample);
  strictEqual(deployed?.components[0]?.image, place.web.v1);
}

for (
  const [given, image, error] of [
    ["its registry does not have", () => `${place.registry}/nothing:v1`, /unknown/],
    ["nobody serves", () => "127.0.0.1:1/nothing:v1", /connection refused/],
  ] as const
) {
  deployTest(`deploy of an image that ${given} leaves the old container serving`, async (trial) => {
    const { client, service } = trial;
    await requireUntouched(trial, async () => {
      const startedAt = () => service.inspect(service.name, "{{.State.StartedAt}}");
      const before = await startedAt();
      const result = await service.failToDeploy(client, service.web(image()));
      match(result.error, error);
      match(result.error, /^Cannot pull the image .*; nothing was changed$/);
      strictEqual(await startedAt(), before);
    });
  });
}

deployTest("deploy onto a port that is taken brings the old container back", async (trial) => {
  const { client, service } = trial;
  await requireUntouched(trial, async () => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const ports = [`127.0.0.1:${taken.addr.port}:8080`];
    const result = await service.failToDeploy(client, service.web(place.web.v2, { ports }));
    match(result.error, /address already in use.*; the previous container is back$/i);
  });
});

for (
  const { given, script, restart, error, logTail } of [
    {
      given: "crashes at its start",
      script: "echo one; echo cannot find my config; exit 3",
      restart: "no",
      error: /did not stay up: it ended with exit code 3; the previous container is back$/,
      logTail: ["one", "cannot find my config"],
    },
    {
      given: "crashes within the settle window",
      script: "echo up; sleep 0.2; echo lost the database; exit 4",
      restart: "no",
      error: /did not stay up: it ended with exit code 4; the previous container is back$/,
      logTail: ["up", "lost the database"],
    },
    {
      given: "crashes again and again under restart=always",
      script: "echo up; sleep 0.1; echo down; exit 5",
      restart: "always",
      // Whichever a look meets: the crash, or podman's restart after it.
      error: /: it (ended|crashed) with exit code 5( and was restarted)?; the previous container/,
      logTail: ["up", "down"],
    },
  ]
) {
  deployTest(
    `deploy of what ${given} brings the old container back and tells why`,
    async (trial) => {
      const { client, service } = trial;
      const image = await place.scripts.publish(service.name, "v2", `${script}\n`);
      await requireUntouched(trial, async () => {
        const result = await service.failToDeploy(client, service.web(image, { restart }));
        match(result.error, error);
        deepStrictEqual(result.logTail.slice(0, 2), logTail);
      });
    },
  );
}

deployTest("deploy of a command that is missing brings the old container back", async (trial) => {
  const { client, service } = trial;
  await requireUntouched(trial, async () => {
    const cmd = ["/no/such/program"];
    const result = await service.failToDeploy(client, service.web(place.web.v2, { cmd }));
    match(result.error, /\/no\/such\/program.*; the previous container is back$/);
  });
});

deployTest("deploy with a file that was never pushed changes nothing", async (trial) => {
  const { client, node, service } = trial;
  await requireUntouched(trial, async () => {
    const volumes = [`${node.serviceRoot}/${service.name}/web.toml:/web.toml`];
    const result = await service.failToDeploy(client, service.web(place.web.v2, { volumes }));
    match(result.error, /web\.toml: there is no such file or folder; nothing was changed$/);
  });
});

deployTest(
  "deploy with a folder elsewhere that is missing brings the old one back",
  async (trial) => {
    const { client, service } = trial;
    await requireUntouched(trial, async () => {
      const volumes = ["/var/tmp/nothing-is-here:/data"];
      const result = await service.failToDeploy(client, service.web(place.web.v2, { volumes }));
      match(result.error, /no such file or directory; the previous container is back$/);
    });
  },
);

deployTest(
  "deploy refuses a name that a container of somebody else has, and changes nothing",
  async ({ client, service }) => {
    await podman("run", "--detach", `--name=${service.name}`, place.clock);
    const before = await service.inspect(service.name, "{{.Id}} {{.State.StartedAt}}");
    await rejects(client.deploy(service.request(service.web(place.web.v1)), ample), (error) => {
      ok(error instanceof McpError && error.kind === "conflict", errorChain(error));
      match(error.message, /a container ".*" exists that MCP did not create/);
      match(error.hint ?? "", /mcp adopt/);
      return true;
    });
    strictEqual(await service.inspect(service.name, "{{.Id}} {{.State.StartedAt}}"), before);
    deepStrictEqual(await service.containers(), [`${service.name} running`]);
    await rejects(client.getServiceSpec({ name: service.name }, ample), { kind: "not_found" });
  },
);

deployTest("a service is stopped, started and restarted", async ({ client, service }) => {
  const { name } = service;
  const told = async (verb: "stopService" | "startService" | "restartService") => {
    const { results } = await client[verb]({ name }, ample);
    return results.map(({ error, summary }) => error || summary);
  };
  const seen = async () => {
    const { services, drift } = await client.getServiceStatus({ name }, ample);
    deepStrictEqual(drift, []);
    const [component] = services[0]?.components ?? [];
    return `${component?.desiredState} ${component?.observedState}`;
  };
  await service.deploy(client, service.web(place.web.v1));
  const id = await service.inspect(name, "{{.Id}}");
  strictEqual(await seen(), "running running");
  deepStrictEqual(await told("stopService"), ["stopped"]);
  strictEqual(await seen(), "stopped stopped");
  deepStrictEqual(await told("stopService"), ["already stopped"]);
  deepStrictEqual(await told("startService"), ["started"]);
  strictEqual(await service.version(), "v1");
  deepStrictEqual(await told("startService"), ["already running"]);
  const startedAt = await service.inspect(name, "{{.State.StartedAt}}");
  deepStrictEqual(await told("restartService"), ["restarted"]);
  strictEqual(await seen(), "running running");
  strictEqual(await service.version(), "v1");
  strictEqual(await service.inspect(name, "{{.Id}}"), id);
  ok(await service.inspect(name, "{{.State.StartedAt}}") !== startedAt);
});

deployTest(
  "start makes a container again that somebody removed, from its deployed spec",
  async ({ client, service }) => {
    await service.deploy(client, service.web(place.web.v1));
    // Declared and never deployed: it must not be what is started.
    await service.failToDeploy(client, service.web(`${place.registry}/nothing:v1`));
    await podman("rm", "--force", "--time=0", service.name);
    const { drift } = await client.getServiceStatus({ name: service.name }, ample);
    deepStrictEqual(drift.map(({ observedState }) => observedState), ["removed"]);
    const { results } = await client.startService({ name: service.name }, ample);
    deepStrictEqual(results.map(({ error, summary }) => error || summary), ["created again v1"]);
    strictEqual(await service.version(), "v1");
  },
);

deployTest(
  "deploy is refused while another one runs, and told whose it is and since when",
  async ({ node, client, service, logs }) => {
    await service.deploy(client, service.web(place.web.v1));
    logs.clear();
    const first = client.deploy(service.request(service.web(place.web.v2)), ample);
    await eventually("the first deploy moves containers", () => {
      const steps = logs.messages("mcp.rollout");
      return Promise.resolve(steps.includes(`prove ${service.name}`) || undefined);
    });
    let refusal: unknown;
    const second = node.client().deploy(service.request(service.web(place.web.v1)), ample);
    await rejects(second, (error) => (refusal = error, true));
    ok(refusal instanceof McpError && refusal.kind === "conflict", errorChain(refusal));
    match(refusal.message, /a deploy by admin has been running since \d{4}-\d\d-\d\dT/);
    const { results } = await first;
    deepStrictEqual(results.map(({ error }) => error), [""]);
    strictEqual(await service.version(), "v2");
  },
);

/** Programs of podman that an agent has started, by what they do. */
function programs(entries: readonly LogEntry[]): Record<string, number> {
  const started: Record<string, number> = {};
  for (const { logger, message } of entries) {
    const [program, , , verb = ""] = message.split(" ");
    if (logger !== "mcp.podman" || program !== "podman") continue;
    started[verb] = (started[verb] ?? 0) + 1;
  }
  return started;
}

/** One that is moved alone is made while the old one ends; with others beside it that would cost more. */
const redeploys = [[1, { create: 1, start: 1 }], [8, { run: 8 }]] as const;
for (const [count, made] of redeploys) {
  const each = count === 1 ? "five programs" : "four programs for each";
  Deno.test(`a redeploy of ${count} starts ${each}, and asks podman's socket the rest`, async () => {
    await using podmanService = await startPodmanService();
    await using service = new TrialService();
    await using node = await ProcessNode.make({
      usesPodman: true,
      config: `[rollout]\nstop_timeout = "1s"`,
      agentConfig: `podman_url = "${podmanService.url}"`,
    });
    const agent = await node.start().serving();
    const client = node.client();
    const ports = Array.from({ length: count }, freePort);
    const programsOf = async (round: number, pull: string): Promise<Record<string, number>> => {
      const before = agent.entries.length;
      const components = ports.map((port, at) => ({
        name: `c${at}`,
        image: place.web.v1,
        pull,
        env: { ROUND: `${round}` },
        ports: [`127.0.0.1:${port}:8080`],
        healthcheck: { probe: "http", port: 8080, path: "/" },
      }));
      const { results } = await rollOut(client, wholeOf(service, ...components));
      deepStrictEqual(results.map(({ verdict }) => verdict), ports.map(() => "healthy"));
      // Its log comes by a way of its own.
      return await eventually("the agent has logged how all of them ended", () => {
        const since = agent.entries.slice(before);
        const ended = since.filter(({ message }) => message.startsWith(`Deploy ${round} of `));
        return Promise.resolve(ended.length === count ? programs(since) : undefined);
      });
    };
    deepStrictEqual(await programsOf(1, "always"), { pull: 1, run: count });
    deepStrictEqual(await programsOf(2, "missing"), {
      rename: count,
      stop: count,
      ...made,
      rm: count,
    });
    client.close();
  });
}
