/** Taking a service out of a node: what goes, what stays, and what is never touched. */

import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { purgeFolder } from "../../agent/change/service_files/purge.ts";
import { errorChain, McpError } from "../../lib/errors.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryRuntime } from "../support/memory_runtime.ts";
import { ample, TestNode } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const web = "registry.example/web:v1";

async function start() {
  const clock = new FakeClock({ autoAdvance: true });
  const runtime = new MemoryRuntime({ clock, images: [web] });
  const node = await TestNode.start({ clock, runtime });
  return node;
}

const shop = {
  service: {
    name: "shop",
    active: true,
    components: [{ name: "web", image: web }, { name: "api", image: web }],
  },
};

async function refusal(call: Promise<unknown>, kind: string): Promise<McpError> {
  let found: unknown;
  await rejects(call, (error) => (found = error, true));
  ok(found instanceof McpError);
  strictEqual(found.kind, kind, errorChain(found));
  return found;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

Deno.test("RemoveService takes containers and registry entry away, and leaves data and history", async () => {
  await using node = await start();
  const client = node.client();
  await client.deploy(shop, ample);
  await Deno.mkdir(`${node.serviceRoot}/shop/data`, { recursive: true });
  await Deno.writeTextFile(`${node.serviceRoot}/shop/data/a`, "a");
  const expected = {
    removed: ["container shop-web", "container shop-api"],
    kept: [`${node.serviceRoot}/shop (1 file)`, "1 revision"],
  };

  const dry = await client.removeService({ name: "shop", dryRun: true }, ample);
  deepStrictEqual({ removed: dry.removed, kept: dry.kept }, expected);
  deepStrictEqual(node.runtime.containers, ["shop-api running", "shop-web running"]);

  const { results, removed, kept } = await client.removeService({ name: "shop" }, ample);
  deepStrictEqual({ removed, kept }, expected);
  deepStrictEqual(results.map(({ name, success, verdict }) => [name, success, verdict]), [
    ["web", true, "removed"],
    ["api", true, "removed"],
  ]);
  deepStrictEqual(node.runtime.containers, []);
  deepStrictEqual((await client.listServices({}, ample)).services, []);
  strictEqual(await exists(`${node.serviceRoot}/shop/data/a`), true);
  strictEqual((await client.listRevisions({ service: "shop" }, ample)).revisions.length, 1);
  const { events } = await client.listEvents({ service: "shop", limit: 2 }, ample);
  deepStrictEqual(events.map(({ newState, cause }) => [newState, cause]), [
    ["removed", "remove by admin"],
    ["removed", "remove by admin"],
  ]);
});

Deno.test("RemoveService with the data removes the folder, and nothing that links in it lead to", async () => {
  await using node = await start();
  const client = node.client();
  await client.deploy(shop, ample);
  const outside = `${node.folder}/outside`;
  await Deno.mkdir(`${outside}/deep`, { recursive: true });
  await Deno.writeTextFile(`${outside}/deep/precious`, "x");
  await Deno.mkdir(`${node.serviceRoot}/shop`, { recursive: true });
  await Deno.symlink(outside, `${node.serviceRoot}/shop/out`);
  await Deno.symlink(`${outside}/deep/precious`, `${node.serviceRoot}/shop/file`);
  const { removed, kept } = await client.removeService({ name: "shop", purgeData: true }, ample);
  deepStrictEqual(removed.at(-1), `${node.serviceRoot}/shop (2 files)`);
  deepStrictEqual(kept, ["1 revision"]);
  strictEqual(await exists(`${node.serviceRoot}/shop`), false);
  strictEqual(await Deno.readTextFile(`${outside}/deep/precious`), "x");
});

Deno.test("data that was left can be removed later, by the name of a service that was here", async () => {
  await using node = await start();
  const client = node.client();
  await client.deploy(shop, ample);
  await Deno.mkdir(`${node.serviceRoot}/shop`, { recursive: true });
  await Deno.mkdir(`${node.serviceRoot}/backup`);
  await client.removeService({ name: "shop" }, ample);
  await refusal(client.removeService({ name: "shop" }, ample), "not_found");
  await refusal(client.removeService({ name: "backup", purgeData: true }, ample), "not_found");
  const { removed } = await client.removeService({ name: "shop", purgeData: true }, ample);
  deepStrictEqual(removed, [`${node.serviceRoot}/shop (0 files)`]);
  strictEqual(await exists(`${node.serviceRoot}/backup`), true);
});

Deno.test("data that another service mounts is not removed, and nothing else is either", async () => {
  await using node = await start();
  const client = node.client();
  await client.deploy(shop, ample);
  await client.deploy({
    service: {
      name: "mail",
      active: true,
      components: [{ name: "mail", image: web, volumes: ["/srv/shop/data:/data:ro"] }],
    },
  }, ample).catch(() => {});
  await Deno.mkdir(`${node.serviceRoot}/shop/data`, { recursive: true });
  await client.deploy({
    service: {
      name: "mail",
      active: true,
      components: [{
        name: "mail",
        image: web,
        volumes: [`${node.serviceRoot}/shop/data:/data:ro`],
      }],
    },
  }, ample).catch(() => {});
  const refused = await refusal(
    client.removeService({ name: "shop", purgeData: true }, ample),
    "conflict",
  );
  match(refused.message, /mail\/mail mounts it as well$/);
  ok(node.runtime.containers.includes("shop-web running"));
});

Deno.test("a folder that holds the agent's own files is not removed, whatever leads to it", async () => {
  await using folder = await ThrowAwayFolder.make();
  const [real, link] = [folder.at("srv"), folder.at("link")];
  await Deno.mkdir(`${real}/shop/own`, { recursive: true });
  await Deno.symlink(real, link);
  const ownFolders = [`${real}/shop/own`];
  for (const serviceRoot of [real, link]) {
    await rejects(purgeFolder("shop", { serviceRoot, ownFolders }), {
      kind: "invalid",
      message:
        `Cannot remove the data of "shop": the agent keeps its own files in ${serviceRoot}/shop`,
    });
  }
  ok(await exists(`${real}/shop/own`));
  ok(await purgeFolder("shop", { serviceRoot: real, ownFolders: [] }));
  strictEqual(await exists(`${real}/shop`), false);
});

Deno.test("a folder that is a link is not removed", async () => {
  await using node = await start();
  const client = node.client();
  await client.deploy(shop, ample);
  await Deno.mkdir(`${node.folder}/elsewhere`);
  await Deno.remove(`${node.serviceRoot}/shop`, { recursive: true }).catch(() => {});
  await Deno.symlink(`${node.folder}/elsewhere`, `${node.serviceRoot}/shop`);
  const refused = await refusal(
    client.removeService({ name: "shop", purgeData: true }, ample),
    "invalid",
  );
  match(refused.message, /is a symbolic link$/);
  ok(node.runtime.containers.includes("shop-web running"));
  strictEqual(await exists(`${node.folder}/elsewhere`), true);
});

Deno.test("a component that cannot be removed is told, and the service stays known with its data", async () => {
  await using node = await start();
  const client = node.client();
  await client.deploy(shop, ample);
  await Deno.mkdir(`${node.serviceRoot}/shop`, { recursive: true });
  node.runtime.fail("remove", undefined, { when: "remove shop-api" });
  const { results, kept } = await client.removeService({ name: "shop", purgeData: true }, ample);
  deepStrictEqual(results.map(({ name, success }) => [name, success]), [["web", true], [
    "api",
    false,
  ]]);
  match(results[1]?.error ?? "", /podman is out of order/);
  match(kept.join("\n"), /because not all of the service could be removed/);
  strictEqual(await exists(`${node.serviceRoot}/shop`), true);
  const { services } = await client.listServices({}, ample);
  deepStrictEqual(services[0]?.components.map(({ name }) => name), ["api"]);
  node.runtime.heal();
  await client.removeService({ name: "shop" }, ample);
  deepStrictEqual(node.runtime.containers, []);
});

Deno.test("a container that somebody put in the place of ours is left alone", async () => {
  await using node = await start();
  const client = node.client();
  await client.deploy(shop, ample);
  node.runtime.removeByHand("shop-web");
  await node.runtime.runByHand("shop-web");
  const { removed, kept } = await client.removeService({ name: "shop" }, ample);
  deepStrictEqual(removed, ["container shop-api"]);
  ok(kept.includes("container shop-web, which MCP did not make"), kept.join());
  deepStrictEqual(node.runtime.containers, ["shop-web running"]);
});

Deno.test("RemoveService waits for nobody: a service that is being moved is refused", async () => {
  await using node = await start();
  const client = node.client();
  const pull = node.runtime.hold("pull");
  const deploying = client.deploy(shop, ample);
  await pull.reached;
  const refused = await refusal(client.removeService({ name: "shop" }, ample), "conflict");
  match(refused.message, /^Cannot remove "shop": a deploy by admin has been running since /);
  pull.release();
  await deploying;
});

Deno.test("RemoveService refuses a service that is not there, and a name that is none", async () => {
  await using node = await start();
  const client = node.client();
  await refusal(client.removeService({ name: "nobody" }, ample), "not_found");
  await node.runtime.runByHand("stranger");
  await client.liveCheck({}, ample);
  await refusal(client.removeService({ name: "stranger" }, ample), "not_found");
  for (const name of ["-x", "A", "a/b", "..", "", "a\nb"]) {
    await refusal(client.removeService({ name, purgeData: true }, ample), "invalid");
  }
  deepStrictEqual(node.runtime.containers, ["stranger running"]);
});
