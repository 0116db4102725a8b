import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type AgentProcess, ProcessNode } from "../support/agent_process.ts";
import {
  openPodmanPlace,
  podman,
  type PodmanPlace,
  TrialService,
} from "../support/podman_trial.ts";
import { ample, type NodeClient } from "../support/test_node.ts";

let place: PodmanPlace;
Deno.test.beforeAll(async () => {
  place = await openPodmanPlace();
});
Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

/** A node that watches, as a process of its own with the permissions it has on a node. */
interface Trial {
  readonly agent: AgentProcess;
  readonly client: NodeClient;
  readonly service: TrialService;
  /** A folder of the service, which its containers can read and write. */
  readonly data: string;
  /** The environment of each alert command that has run, oldest first, as sorted lines. */
  alerts(): Promise<string[][]>;
}

/** Writes down what it was itself given, before its shell adds anything; whole or not at all. */
function notifyScript(folder: string): string {
  return `#!/bin/sh
at=$(date +%s%N)
tr '\\0' '\\n' </proc/$$/environ >${folder}/$at.part && mv ${folder}/$at.part ${folder}/$at
`;
}

function monitorTest(
  name: string,
  prove: (trial: Trial) => Promise<void>,
  monitor = "",
): void {
  Deno.test(name, async () => {
    const folder = await Deno.makeTempDir({ prefix: "mcp-alerts-" });
    await using undo = new AsyncDisposableStack();
    undo.defer(() => Deno.remove(folder, { recursive: true }));
    const service = undo.use(new TrialService());
    const command = `${folder}/notify`;
    await Deno.writeTextFile(command, notifyScript(folder), { mode: 0o755 });
    const config = `[rollout]\nsettle = "300ms"\nstop_timeout = "1s"\n` +
      `[monitor]\nalert_command = [${JSON.stringify(command)}]\n${monitor}\n`;
    const node = undo.use(await ProcessNode.make({ usesPodman: true, config }));
    const agent = await node.start().serving();
    const client = node.client();
    undo.defer(() => client.close());
    await agent.logged(({ message }) => message.startsWith("podman events"));
    const data = `${node.folder}/srv/${service.name}/data`;
    await prove({
      agent,
      client,
      service,
      data,
      async alerts() {
        const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
        const told = names.filter((name) => /^\d+$/.test(name)).sort();
        return await Promise.all(
          told.map(async (name) =>
            (await Deno.readTextFile(`${folder}/${name}`)).trim().split("\n").sort()
          ),
        );
      },
    });
    client.close();
    agent.signal("SIGTERM");
    strictEqual(await agent.ended(), 0);
    deepStrictEqual(agent.messages("ERROR"), []);
  });
}

/** "drift exited" and the like, one per alert. */
async function kindsOf({ alerts }: Trial): Promise<string[]> {
  return (await alerts()).map((environment) => {
    const value = (key: string) =>
      environment.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
    return `${value("MCP_ALERT_TYPE")} ${value("MCP_OBSERVED")}`;
  });
}

monitorTest(
  "the alert command is run for a kill, with all it needs to know, because podman tells of it",
  async (trial) => {
    const { client, service, alerts } = trial;
    await service.deploy(client, service.web(place.web.v1));
    const began = Date.now();
    await podman("kill", service.name);
    const [environment] = await eventually("the alert command has run", async () => {
      const told = await alerts();
      return told.length > 0 ? told : undefined;
    });
    // deno-lint-ignore no-console -- a measurement, for whoever reads the run
    console.log(`from podman kill to the end of the alert command: ${Date.now() - began} ms`);
    deepStrictEqual(environment, [
      "MCP_ALERT_TYPE=drift",
      `MCP_COMPONENT=${service.name}`,
      "MCP_DESIRED=running",
      "MCP_NODE=rift",
      "MCP_OBSERVED=exited",
      "MCP_PREV_STATE=running",
      `MCP_SERVICE=${service.name}`,
      "MCP_TRANSITIONS=1",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]);
  },
  // Nothing else would have it look within a day.
  `interval = "24h"`,
);

monitorTest(
  "a crash loop under restart=always is alerted once, as flapping",
  async (trial) => {
    const { client, service, data } = trial;
    const image = await place.scripts.publish(
      service.name,
      "v1",
      "while [ ! -e /data/crash ]; do sleep 0.1; done; sleep 0.1; exit 3\n",
    );
    const component = { name: service.name, image, restart: "always", volumes: [`${data}:/data`] };
    await service.deploy(client, component);
    const restarts = async () => Number(await service.inspect(service.name, "{{.RestartCount}}"));
    await Deno.writeTextFile(`${data}/crash`, "");
    await eventually("twenty crashes", async () => await restarts() >= 20 || undefined);
    await Deno.remove(`${data}/crash`);
    const { events } = await eventually("it is seen to run again", async () => {
      const { services } = await client.getServiceStatus({ name: service.name }, ample);
      return services[0]?.components[0]?.observedState === "running"
        ? await client.listEvents({ service: service.name, limit: 1_000 }, ample)
        : undefined;
    });
    const kinds = (await kindsOf(trial)).map((kind) => kind.split(" ")[0]);
    strictEqual(kinds.filter((kind) => kind === "flapping").length, 1, kinds.join());
    // Whether a look met it between a crash and the restart before it was flapping.
    ok(kinds.length <= 2, kinds.join());
    // A look that takes long may find another start before it is told why; then both are told.
    const isTold = ({ cause }: { readonly cause: string }) => cause !== "restarted by podman";
    const crashes = events.filter((event) => event.newState === "exited" && isTold(event)).length;
    const deaths = ["--filter=event=died", `--filter=container=${service.name}`];
    const told = await podman("events", "--stream=false", "--since=1h", ...deaths);
    const happened = told.trim().split("\n").length;
    // deno-lint-ignore no-console -- a measurement, for whoever reads the run
    console.log(
      `${crashes} of ${happened} crashes are remembered, ${await restarts()} were restarted`,
    );
    ok(crashes >= happened / 3 && crashes <= happened, `${crashes} of ${happened}`);
  },
);

monitorTest(
  "a container that was killed together with its conmon is noticed, and stays noticed",
  async (trial) => {
    const { client, service } = trial;
    await service.deploy(client, service.web(place.web.v1));
    const pids = await service.inspect(service.name, "{{.State.ConmonPid}} {{.State.Pid}}");
    // conmon first: it would tell podman of its container's end.
    for (const pid of pids.split(" ")) Deno.kill(Number(pid), "SIGKILL");
    await eventually(
      "it is alerted",
      async () => (await kindsOf(trial)).length > 0 || undefined,
    );
    strictEqual((await service.containers())[0], `${service.name} running`);
    for (let look = 0; look < 3; look++) {
      const { drift } = await client.getServiceStatus({ name: service.name }, ample);
      deepStrictEqual(drift.map(({ observedState }) => observedState), ["exited"]);
    }
    const { events } = await client.listEvents({ service: service.name }, ample);
    deepStrictEqual(
      events.map(({ prevState, newState, cause }) => `${prevState} to ${newState}: ${cause}`),
      ["running to exited: vanished", "unknown to running: deploy by admin"],
    );
    deepStrictEqual(await kindsOf(trial), ["drift exited"]);
  },
  `interval = "1s"`,
);

monitorTest(
  "nothing that MCP itself does is alerted, nor what nobody manages",
  async (trial) => {
    const { client, service } = trial;
    const { name } = service;
    await podman("run", "--detach", `--name=${name}-other`, place.web.v1);
    await service.deploy(client, service.web(place.web.v1));
    await service.deploy(client, service.web(place.web.v2));
    await service.failToDeploy(client, service.web(`${place.registry}/nothing:v1`));
    const bad = await place.scripts.publish(name, "bad", "sleep 0.1; exit 3\n");
    await service.failToDeploy(client, service.web(bad, { restart: "always" }));
    await client.restartService({ name }, ample);
    await client.stopService({ name }, ample);
    await client.startService({ name }, ample);
    await podman("rm", "--force", "--time=0", `${name}-other`);
    // What was told late would be seen by now.
    await eventually("the last look", async () => {
      const { services } = await client.listServices({}, ample);
      const other = services.flatMap(({ components }) => components)
        .find((component) => component.container === `${name}-other`);
      return other?.observedState === "removed" || undefined;
    });
    deepStrictEqual(await kindsOf(trial), []);
    const { events } = await client.listEvents({ service: name }, ample);
    deepStrictEqual(events.filter(({ cause }) => !/ by admin$/.test(cause)), []);
  },
);
