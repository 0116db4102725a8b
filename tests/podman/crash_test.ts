import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type AgentProcess, ProcessNode } from "../support/agent_process.ts";
import { quickCheck } from "../support/podman_rollout.ts";
import { openPodmanPlace, type PodmanPlace, TrialService } from "../support/podman_trial.ts";
import { startPodmanService } from "../support/podman_service.ts";
import type { LogEntry } from "../support/quiet_logs.ts";
import { ample } from "../support/test_node.ts";

/** Long enough that an agent is killed in the middle of it; what is to be well soon says so. */
const config = `[rollout]\nsettle = "5s"\nstop_timeout = "1s"\n`;
const healthcheck = quickCheck({ probe: "http", port: 8080, path: "/" });

let place: PodmanPlace;
Deno.test.beforeAll(async () => {
  place = await openPodmanPlace();
});
Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

/** Nothing is left of a rollout but the component's container, which serves one of the versions. */
async function requireSound(
  service: TrialService,
  versions: readonly string[],
): Promise<string> {
  deepStrictEqual(await service.containers(), [`${service.name} running`]);
  const version = await service.version();
  ok(versions.includes(version), `${version} is served`);
  return version;
}

/** Deploys, and waits for a step of that to begin; gives what becomes of the deploy. */
async function deployUntil(
  agent: AgentProcess,
  step: string,
  deploy: () => Promise<unknown>,
): Promise<{ readonly deploy: Promise<unknown> }> {
  const since = agent.entries.length;
  const deployed = deploy();
  const isStep = ({ logger, message }: LogEntry) =>
    logger === "mcp.rollout" && message.startsWith(step);
  await Promise.race([
    agent.logged(isStep, since),
    // It may have been refused: then there is nothing to wait for.
    deployed.then(() => {
      ok(agent.entries.slice(since).some(isStep), `The deploy ended before "${step}" had begun`);
    }),
  ]);
  return { deploy: deployed };
}

Deno.test("an agent killed in the middle of a deploy puts the service in order", async (t) => {
  // As on a node: what podman's service was told to do, it does, whether or not the agent lives.
  await using podman = await startPodmanService();
  await using service = new TrialService();
  const agentConfig = `podman_url = "${podman.url}"`;
  await using node = await ProcessNode.make({ usesPodman: true, config, agentConfig });
  let agent = await node.start().serving();
  let client = node.client();
  let current: "v1" | "v2" = "v1";
  await service.deploy(client, service.web(place.web.v1, { healthcheck }));

  for (
    const step of [
      "pull ",
      `rename ${service.name} `,
      `stop ${service.name}.previous`,
      `run ${service.name} `,
      `prove ${service.name}`,
      `remove ${service.name}.previous`,
    ]
  ) {
    const [verb = ""] = step.split(" ");
    await t.step(`after ${verb} had begun`, async () => {
      const next = current === "v1" ? "v2" : "v1";
      const request = service.request(service.web(place.web[next]));
      const { deploy } = await deployUntil(
        agent,
        step,
        () => rejects(client.deploy(request, ample), { kind: "unavailable" }),
      );
      await agent.kill();
      await deploy;
      client.close();

      agent = await node.start().serving();
      client = node.client();
      const warnings = agent.messages("WARN");
      if (verb !== "remove") {
        match(
          warnings[0] ?? "",
          new RegExp(`^Deploy \\d+ of ${service.name}, begun by admin at .*, was interrupted`),
        );
      }
      deepStrictEqual(agent.messages("ERROR"), []);
      const found = await requireSound(service, [verb === "remove" ? next : current]);
      const { services, drift } = await client.getServiceStatus({ name: service.name }, ample);
      deepStrictEqual(drift, []);
      const [component] = services[0]?.components ?? [];
      strictEqual(component?.observedState, "running");
      strictEqual(component?.version, found);
      await service.deploy(client, service.web(place.web[next], { healthcheck }));
      current = next;
      strictEqual(await requireSound(service, [next]), next);
    });
  }
  client.close();
});

Deno.test("an agent killed in the middle of a first deploy can do it again", async () => {
  await using service = new TrialService();
  await using node = await ProcessNode.make({ usesPodman: true, config });
  const agent = await node.start().serving();
  const client = node.client();
  const request = service.request(service.web(place.web.v1));
  const { deploy } = await deployUntil(
    agent,
    "run ",
    () => rejects(client.deploy(request, ample), { kind: "unavailable" }),
  );
  await agent.kill();
  await deploy;
  client.close();

  await node.start().serving();
  const again = node.client();
  await service.deploy(again, service.web(place.web.v1, { healthcheck }));
  await requireSound(service, ["v1"]);
  again.close();
});

Deno.test("an agent told to stop lets a deploy finish", async () => {
  await using service = new TrialService();
  await using node = await ProcessNode.make({ usesPodman: true, config });
  const agent = await node.start().serving();
  const client = node.client();
  const { deploy } = await deployUntil(
    agent,
    "run ",
    () => service.deploy(client, service.web(place.web.v1, { healthcheck })),
  );
  agent.signal("SIGTERM");
  await deploy;
  strictEqual(await agent.ended(), 0);
  client.close();
  deepStrictEqual(agent.messages("WARN"), []);
  strictEqual(agent.entries.at(-1)?.message, "Stopped");
  await requireSound(service, ["v1"]);
});

Deno.test("an agent told to stop calls a deploy off that takes too long", async () => {
  const slow = `[rollout]\nsettle = "300s"\nstop_timeout = "1s"\ndrain_timeout = "200ms"\n`;
  await using service = new TrialService();
  await using node = await ProcessNode.make({ usesPodman: true, config });
  const file = `${node.folder}/mcp-agent.toml`;
  const text = await Deno.readTextFile(file);
  const agent = await node.start().serving();
  const client = node.client();
  await service.deploy(client, service.web(place.web.v1, { healthcheck }));
  client.close();
  agent.signal("SIGTERM");
  strictEqual(await agent.ended(), 0);

  await Deno.writeTextFile(file, text.replace(config, slow));
  const hasty = await node.start().serving();
  const other = node.client();
  const request = service.request(service.web(place.web.v2));
  const { deploy } = await deployUntil(
    hasty,
    "prove ",
    () => rejects(other.deploy(request, ample), { kind: "unavailable" }),
  );
  hasty.signal("SIGTERM");
  await deploy;
  strictEqual(await hasty.ended(), 0);
  other.close();
  deepStrictEqual(hasty.messages("ERROR"), [`Deploy 2 of ${service.name} was interrupted`]);

  await Deno.writeTextFile(file, text);
  const next = await node.start().serving();
  deepStrictEqual(next.messages("WARN"), [
    `Recovered ${service.name}/${service.name}: put the previous container back`,
  ]);
  await requireSound(service, ["v1"]);
  const last = node.client();
  await service.deploy(last, service.web(place.web.v2, { healthcheck }));
  await requireSound(service, ["v2"]);
  last.close();
});

Deno.test("an agent whose container does not stop is killed while it waits, and recovers", async () => {
  await using service = new TrialService();
  await using node = await ProcessNode.make({ usesPodman: true, config });
  const stubborn = await place.scripts.publish(
    service.name,
    "v1",
    "trap : TERM\nmkdir /www; echo hello-web v1 >/www/index.html\n" +
      "httpd -f -p 8080 -h /www & while :; do wait; done\n",
  );
  const agent = await node.start().serving();
  const client = node.client();
  await service.deploy(client, service.web(stubborn, { healthcheck }));
  const request = service.request(service.web(place.web.v2));
  const { deploy } = await deployUntil(
    agent,
    `stop ${service.name}.previous`,
    () => rejects(client.deploy(request, ample), { kind: "unavailable" }),
  );
  // podman itself waits for a second now, and goes on when nobody listens to it any more.
  await eventually("podman stops the container", async () => {
    const state = await service.inspect(`${service.name}.previous`, "{{.State.Status}}");
    // On a busy machine it may have been stopped before anybody looked.
    return state !== "running" || undefined;
  });
  await agent.kill();
  await deploy;
  client.close();

  const next = await node.start().serving();
  deepStrictEqual(next.messages("ERROR"), []);
  await requireSound(service, ["v1"]);
  const last = node.client();
  await service.deploy(last, service.web(place.web.v2, { healthcheck }));
  await requireSound(service, ["v2"]);
  last.close();
});
