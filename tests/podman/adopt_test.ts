import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { writeDefinition } from "../../cli/definitions/write_definition.ts";
import { parseDefinition } from "../../cli/definitions/definition.ts";
import { componentDefaults } from "../../lib/domain/component_spec.ts";
import { requireSpec, specToWire } from "../../lib/wire/specs.ts";
import { Podman } from "../../agent/runtime/podman/podman.ts";
import { realClock } from "../../lib/system/clock.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";
import {
  openPodmanPlace,
  podman,
  type PodmanPlace,
  TrialService,
} from "../support/podman_trial.ts";
import { ample, TestNode } from "../support/test_node.ts";

let place: PodmanPlace;
Deno.test.beforeAll(async () => {
  place = await openPodmanPlace();
});
Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

Deno.test("containers run by hand are found, adopted as they are, and then deployed", async () => {
  await using service = new TrialService();
  await using node = await TestNode.start({
    runtime: new Podman({
      exec: realExec,
      follow: realFollow,
      target: { program: "podman", url: undefined },
      pullTimeoutMs: 30_000,
    }),
    clock: realClock,
    agentConfig: `allow = ["capabilities", "devices"]`,
    config: `[rollout]\nsettle = "300ms"\nstop_timeout = "1s"`,
  });
  const client = node.client();
  const { name } = service;
  const stays = await place.scripts.publish(name, "v1", "while :; do sleep 1000; done & wait\n");
  const data = `${node.serviceRoot}/${name}`;
  await Deno.mkdir(data);
  const volume = `${name}-cache`;
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => {
    // Its containers first: a volume that is used is not removed.
    await service[Symbol.asyncDispose]();
    await podman("volume", "rm", volume);
  });
  await podman(
    ...["run", "--detach", `--name=${name}-api`, "--env=TOKEN=hush=1\n2", "-e", "TZ=UTC"],
    ...["--workdir=/bin", "--label=team=core", "--hostname=box", "--cap-add=NET_ADMIN"],
    ...["--cap-drop=CHOWN", "--tmpfs=/scratch:size=1m", "--read-only", "--device=/dev/null:/dev/x"],
    ...["--ulimit=nofile=256:512", "--pids-limit=100", "--stop-signal=QUIT", "--stop-timeout=3"],
    ...[`--entrypoint=["/bin/sh","-e","/script"]`, "--log-opt=max-size=1m"],
    ...["--user=1000:1000", "--restart=on-failure:3", `--volume=${volume}:/cache:noexec`],
    ...[`--volume=${data}:/data:ro`, stays, "one", "two words"],
  );
  await podman(
    ...["run", "--detach", `--name=${name}`, `--publish=127.0.0.1:${service.port}:8080`],
    ...["--restart=always", place.web.v1],
  );
  await podman("run", "--detach", `--name=${name}-old`, "--network=host", stays);
  await podman("stop", "--time=0", `${name}-old`);
  strictEqual(await service.version(), "v1");
  const identities = async () =>
    await Promise.all(
      ["", "-api", "-old"].map((suffix) =>
        service.inspect(`${name}${suffix}`, "{{.Id}} {{.State.StartedAt}} {{.State.Status}}")
      ),
    );
  const before = await identities();

  const { results: found } = await client.syncDesiredState({ services: [] }, ample);
  const own = found.filter((result) => result.name.startsWith(name));
  deepStrictEqual(
    own.map((result) => `${result.name}: ${result.summary}`),
    [name, `${name}-api`, `${name}-old`]
      .map((container) => `${container}: found on the node, not managed; left alone`),
  );
  const { drift: foundDrift } = await client.getServiceStatus({}, ample);
  deepStrictEqual(foundDrift, []);

  const { results } = await client.adoptContainer({ service: name }, ample);
  deepStrictEqual(
    results.map(({ container, component, error, unexpressed }) => ({
      container,
      component,
      error,
      unexpressed,
    })).sort((one, other) => one.container < other.container ? -1 : 1),
    [
      { container: name, component: name, error: "", unexpressed: [] },
      {
        container: `${name}-api`,
        component: "api",
        error: "",
        unexpressed: ["--log-opt"],
      },
      { container: `${name}-old`, component: "old", error: "", unexpressed: [] },
    ],
  );
  deepStrictEqual(await identities(), before);

  const { declared, deployed } = await client.getServiceSpec({ name }, ample);
  const plain = { ...componentDefaults, restart: "no" };
  for (const wire of [declared, deployed]) {
    const { components } = requireSpec(wire);
    deepStrictEqual(
      [...components].sort((one, other) => one.name < other.name ? -1 : 1),
      [
        {
          ...plain,
          name: "api",
          env: { TOKEN: "hush=1\n2", TZ: "UTC" },
          workdir: "/bin",
          labels: { team: "core" },
          hostname: "box",
          capAdd: ["NET_ADMIN"],
          capDrop: ["CHOWN"],
          tmpfs: ["/scratch:size=1m"],
          readOnly: true,
          devices: ["/dev/null:/dev/x"],
          ulimits: { nofile: "256:512" },
          pids: 100,
          stopSignal: "SIGQUIT",
          stopTimeoutMs: 3_000,
          entrypoint: ["/bin/sh", "-e", "/script"],
          image: stays,
          user: "1000:1000",
          restart: "on-failure:3",
          volumes: [`${volume}:/cache:noexec`, `${data}:/data:ro`],
          cmd: ["one", "two words"],
        },
        { ...plain, name: "old", image: stays, network: "host" },
        {
          ...plain,
          name,
          image: place.web.v1,
          restart: "always",
          ports: [`127.0.0.1:${service.port}:8080`],
        },
      ].sort((one, other) => one.name < other.name ? -1 : 1),
    );
  }
  const { services, drift } = await client.getServiceStatus({ name }, ample);
  deepStrictEqual(drift, []);
  deepStrictEqual(
    services[0]?.components.map(({ name: component, desiredState, observedState }) =>
      `${component} ${desiredState} ${observedState}`
    ).sort(),
    ["api running running", "old stopped stopped", `${name} running running`].sort(),
  );

  // A deploy that fails brings back what somebody else made; one that succeeds replaces it.
  const failed = await service.failToDeploy(client, service.web(`${place.registry}/nothing:v1`));
  match(failed.error, /nothing was changed$/);
  const bad = await place.scripts.publish(name, "bad", "sleep 0.1; exit 3\n");
  const crashed = await service.failToDeploy(client, service.web(bad, { restart: "no" }));
  match(crashed.error, /the previous container is back$/);
  strictEqual(await service.version(), "v1");
  const ids = (rows: readonly string[]) => rows.map((row) => row.split(" ")[0]);
  deepStrictEqual(ids(await identities()), ids(before));
  await service.deploy(client, service.web(place.web.v2));
  strictEqual(await service.version(), "v2");
  // What the deploy did not list and MCP did not make is still there.
  deepStrictEqual(ids(await identities()).slice(1), ids(before).slice(1));
  ok((await service.containers()).includes(`${name}-api running`));

  // What is exported makes the same container again.
  const text = writeDefinition({ nodeName: "rift", spec: requireSpec(deployed) });
  const { spec } = parseDefinition(text, "exported.toml", {
    service: name,
    because: "it was adopted so",
    nodeNames: ["rift"],
  });
  const made = await madeOf(`${name}-api`);
  const again = await client.deploy({ service: specToWire(spec), component: "api" }, ample);
  deepStrictEqual(again.results.map(({ error }) => error), [""]);
  deepStrictEqual(await madeOf(`${name}-api`), made);
  deepStrictEqual((await client.getServiceStatus({ name }, ample)).drift, []);
});

/** Everything that podman says of how a container was made, but its identity and MCP's labels. */
async function madeOf(container: string): Promise<unknown> {
  const [inspected] = JSON.parse(await podman("container", "inspect", container));
  const { Id: id, Config: config, HostConfig: host, Mounts: mounts, Path: path, Args: args } =
    inspected;
  const { CreateCommand: _, Annotations: __, Labels: labels, Env: env, ...rest } = config;
  const { LogConfig: ___, ...hostRest } = host;
  const own = Object.entries(labels).filter(([name]) => !name.startsWith("mcp.")).sort();
  const byDestination = (one: { Destination: string }, other: { Destination: string }) =>
    one.Destination < other.Destination ? -1 : 1;
  const made = {
    path,
    args,
    rest,
    hostRest,
    env: env.sort(),
    own,
    mounts: mounts.sort(byDestination),
  };
  return JSON.parse(JSON.stringify(made).replaceAll(id, "ID").replaceAll(id.slice(0, 12), "ID"));
}
