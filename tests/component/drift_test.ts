import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { Descriptions } from "../../agent/watch/reconcile/descriptions.ts";
import { Podman } from "../../agent/runtime/podman/podman.ts";
import type { ServiceStatusResponse } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryRuntime } from "../support/memory_runtime.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ScriptedExec } from "../support/scripted_exec.ts";
import { ample, type NodeClient, TestNode } from "../support/test_node.ts";

const image = "registry.example/web:v1";
const web = { name: "web", image, ports: ["8080:80"], restart: "always" };

/** A node that has deployed shop/web, long after all files were made. */
async function deployed(): Promise<{ readonly node: TestNode; readonly client: NodeClient }> {
  const clock = new FakeClock({ start: new Date(Date.now() + 3_600_000), autoAdvance: true });
  const runtime = new MemoryRuntime({ clock, images: [image, "registry.example/web:v2"] });
  const node = await TestNode.start({ runtime, clock });
  const client = node.client();
  const request = { service: { name: "shop", active: true, components: [web] } };
  const { results } = await client.deploy(request, ample);
  deepStrictEqual(results.map(({ error }) => error), [""]);
  runtime.calls.length = 0;
  return { node, client };
}

/** "service/component field: found, deployed as" */
function told({ drift }: ServiceStatusResponse): string[] {
  return drift.flatMap(({ service, component, fields }) =>
    fields.map(({ field, deployed, declared }) =>
      `${service}/${component} ${field}: ${deployed}, deployed as ${declared}`
    )
  );
}

function found({ findings }: ServiceStatusResponse): string[] {
  return findings.map(({ service, kind, name, text }) => `${service} ${kind} ${name}: ${text}`);
}

Deno.test("a container that somebody has replaced by hand is drift, field by field, while its state is right", async () => {
  const { node, client } = await deployed();
  await using _ = node;
  deepStrictEqual((await client.getServiceStatus({}, ample)).drift, []);

  node.runtime.removeByHand("shop-web");
  await node.runtime.runByHand("shop-web", { image, ports: ["8081:80"], restart: "always" });
  const status = await client.getServiceStatus({ name: "shop" }, ample);
  deepStrictEqual(told(status), ["shop/web ports: 8081:80, deployed as 8080:80"]);
  deepStrictEqual(
    status.drift.map(({ desiredState, observedState }) => [desiredState, observedState]),
    [["running", "running"]],
  );
  // Events are transitions of states, and there was none but the removal.
  const { events } = await client.listEvents({ service: "shop" }, ample);
  ok(events.every(({ cause }) => !cause.includes("ports")));

  const request = { service: { name: "shop", active: true, components: [web] } };
  await client.deploy(request, ample);
  deepStrictEqual((await client.getServiceStatus({}, ample)).drift, []);
});

Deno.test("the second status asks the runtime for nothing but the list", async () => {
  const { node, client } = await deployed();
  await using _ = node;
  await client.getServiceStatus({}, ample);
  deepStrictEqual(node.runtime.calls, ["list", "describeAll 1"]);
  node.runtime.calls.length = 0;
  for (let again = 0; again < 3; again++) await client.getServiceStatus({}, ample);
  deepStrictEqual(node.runtime.calls, ["list", "list", "list"]);
});

Deno.test("a container that a rollout is moving is not compared", async () => {
  const { node, client } = await deployed();
  await using _ = node;
  // The new container runs, and has not proved itself: what is deployed is still the old one.
  const hold = node.runtime.hold("inspect", { when: "inspect shop-web" });
  const changed = { ...web, image: "registry.example/web:v2", ports: ["8082:80"] };
  const deploying = client.deploy(
    { service: { name: "shop", active: true, components: [changed] } },
    ample,
  );
  await hold.reached;
  deepStrictEqual(told(await client.getServiceStatus({}, ample)), []);
  hold.release();
  deepStrictEqual((await deploying).results.map(({ error }) => error), [""]);
  deepStrictEqual(told(await client.getServiceStatus({}, ample)), []);
});

Deno.test("containers that cannot be looked at closely are no drift, and no failure", async () => {
  await using _logs = await QuietLogs.start();
  const { node, client } = await deployed();
  await using _ = node;
  node.runtime.removeByHand("shop-web");
  await node.runtime.runByHand("shop-web", { image, ports: ["8081:80"] });
  node.runtime.fail("describeAll", undefined, { times: 1 });
  const status = await client.getServiceStatus({}, ample);
  deepStrictEqual([told(status), status.runtimeError], [[], ""]);
  strictEqual(told(await client.getServiceStatus({}, ample)).length, 2);
});

Deno.test("a container that is called like a component of the service is told of", async () => {
  const { node, client } = await deployed();
  await using _ = node;
  await node.runtime.runByHand("shop-debug");
  await node.runtime.runByHand("other", { labels: { "mcp.service": "shop" } });
  await node.runtime.runByHand("postgres");
  const status = await client.getServiceStatus({ name: "shop" }, ample);
  deepStrictEqual(found(status), [
    "shop container other: not declared by anybody",
    "shop container shop-debug: not declared by anybody",
  ]);
  deepStrictEqual(status.drift, []);
  await client.adoptContainer({ service: "shop" }, ample);
  deepStrictEqual(found(await client.getServiceStatus({ name: "shop" }, ample)), [
    "shop container other: not declared by anybody",
  ]);
});

Deno.test("a pushed file that was changed, removed or opened to others is told of, until it is pushed or pulled", async () => {
  const { node, client } = await deployed();
  await using _ = node;
  const path = `${node.serviceRoot}/shop/conf/web.toml`;
  const push = async (text: string) =>
    await client.pushFile({
      service: "shop",
      path: "conf/web.toml",
      content: new TextEncoder().encode(text),
      mode: 0o640,
    }, ample);
  const findings = async () =>
    found(await client.getServiceStatus({ name: "shop" }, ample))
      .map((line) => line.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/, "TIME"));
  await push("port = 1");
  deepStrictEqual(await findings(), []);

  // Of the same size, so that only its content tells.
  await Deno.writeTextFile(path, "port = 2");
  deepStrictEqual(await findings(), ["shop file conf/web.toml: changed since TIME"]);
  deepStrictEqual(await findings(), ["shop file conf/web.toml: changed since TIME"]);
  await client.pullFile({ service: "shop", path: "conf/web.toml" }, ample);
  deepStrictEqual(await findings(), []);

  await Deno.writeTextFile(path, "port = 3 # longer");
  strictEqual((await findings()).length, 1);
  await push("port = 4");
  deepStrictEqual(await findings(), []);

  // Written again with the same content, it is the same.
  await Deno.writeTextFile(path, "port = 4");
  await Deno.utime(path, 1, 1);
  deepStrictEqual(await findings(), []);

  await Deno.chmod(path, 0o666);
  deepStrictEqual(await findings(), ["shop file conf/web.toml: mode 0666, was 0640 since TIME"]);
  await Deno.remove(path);
  deepStrictEqual(await findings(), ["shop file conf/web.toml: gone"]);
  await Deno.symlink("/etc/hostname", path);
  match((await findings())[0] ?? "", /web\.toml: (changed since TIME|Cannot read)/);
});

Deno.test("a file that was never pushed is nobody's business, pulled or not", async () => {
  const { node, client } = await deployed();
  await using _ = node;
  await Deno.mkdir(`${node.serviceRoot}/shop`, { recursive: true });
  await Deno.writeTextFile(`${node.serviceRoot}/shop/data`, "one");
  await client.pullFile({ service: "shop", path: "data" }, ample);
  await Deno.writeTextFile(`${node.serviceRoot}/shop/data`, "two");
  deepStrictEqual(found(await client.getServiceStatus({}, ample)), []);
});

Deno.test("120 containers of two images are described by four processes, and by none the second time", async () => {
  const ids = Array.from({ length: 120 }, (_, at) => at.toString(16).padStart(64, "0"));
  const imageIds = ["a".repeat(64), "b".repeat(64)];
  const containers = ids.map((id, at) => ({
    Id: id,
    Name: `shop-${at}`,
    ImageName: image,
    Image: imageIds[at % 2],
    NetworkSettings: { Networks: {} },
    Config: { CreateCommand: ["podman", "run", image] },
    HostConfig: { RestartPolicy: { Name: "", MaximumRetryCount: 0 } },
  }));
  const scripted = new ScriptedExec();
  for (let at = 0; at < ids.length; at += 50) {
    scripted.on(["podman", "container", "inspect", ids[at] ?? ""], {
      stdout: JSON.stringify(containers.slice(at, at + 50)),
      // As podman does when one of them has gone meanwhile.
      ...(at === 0 ? { code: 125, stderr: "Error: no such container gone\n" } : {}),
    });
  }
  const images = imageIds.map((Id) => ({ Id, Config: {} }));
  scripted.on("podman image inspect", { stdout: JSON.stringify(images) });
  const clock = new FakeClock();
  const runtime = new Podman({
    exec: scripted.exec,
    follow: () => Promise.reject(new Error("nothing is followed")),
    target: { program: "podman", url: undefined },
    pullTimeoutMs: 1_000,
  });
  const descriptions = new Descriptions({ runtime, clock });
  const listed = new Set(ids);
  const [first, second] = await Promise.all([
    descriptions.of(ids, listed),
    descriptions.of(ids, listed),
  ]);
  deepStrictEqual([first.size, second.size], [120, 120]);
  deepStrictEqual(scripted.runs.map(({ argv }) => `${argv[1]} ${argv.length - 3}`), [
    "container 50",
    "image 2",
    "container 50",
    "container 20",
  ]);

  // `podman update` tells nobody: after a while they are asked about again.
  await clock.advance(11 * 60_000);
  await descriptions.of(ids, listed);
  strictEqual(scripted.runs.length, 8);
});
