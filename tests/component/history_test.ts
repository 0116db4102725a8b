/** Revisions through the agent: listing them, looking at one, and which images they keep. */

import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { errorChain, McpError } from "../../lib/errors.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryRuntime } from "../support/memory_runtime.ts";
import { ample, TestNode } from "../support/test_node.ts";

const images = [1, 2, 3, 4, 5].map((at) => `registry.example/web:v${at}`);
const api = "registry.example/api:v1";

async function start(agentConfig = "") {
  const clock = new FakeClock({ autoAdvance: true });
  const runtime = new MemoryRuntime({ clock, images: [...images, api] });
  return await TestNode.start({ clock, runtime, agentConfig });
}

const shop = (web: string, more: readonly { name: string; image: string }[] = []) => ({
  service: { name: "shop", active: true, components: [{ name: "web", image: web }, ...more] },
});

async function refusal(call: Promise<unknown>, kind: string): Promise<McpError> {
  let found: unknown;
  await rejects(call, (error) => (found = error, true));
  ok(found instanceof McpError);
  strictEqual(found.kind, kind, errorChain(found));
  return found;
}

Deno.test("ListRevisions tells every deploy, newest first, and what is current", async () => {
  await using node = await start();
  const client = node.client();
  await client.deploy(shop(images[0]!, [{ name: "api", image: api }]), ample);
  await client.deploy(
    { ...shop(images[1]!, [{ name: "api", image: api }]), component: "web" },
    ample,
  );
  await client.deploy(shop("registry.example/missing:v1", [{ name: "api", image: api }]), ample);
  const { revisions } = await client.listRevisions({ service: "shop" }, ample);
  deepStrictEqual(
    revisions.map(({ number, actor, outcome, origin, components, started, finished }) => [
      number,
      actor,
      outcome,
      origin,
      started !== undefined && finished !== undefined,
      ...components.map((part) =>
        `${part.name} ${part.image} ${part.outcome}${part.current ? " current" : ""}${
          part.imageKept ? " kept" : ""
        }`
      ),
    ]),
    [
      [
        3,
        "admin",
        "partial",
        "deploy",
        true,
        "web registry.example/missing:v1 failed",
        "api registry.example/api:v1 succeeded current kept",
      ],
      [2, "admin", "succeeded", "deploy", true, `web ${images[1]} succeeded current kept`],
      [
        1,
        "admin",
        "succeeded",
        "deploy",
        true,
        `web ${images[0]} succeeded kept`,
        `api ${api} succeeded kept`,
      ],
    ],
  );
  match(revisions[0]?.components[0]?.error ?? "", /manifest unknown/);
  strictEqual(
    (await client.listRevisions({ service: "shop", limit: 1 }, ample)).revisions.length,
    1,
  );
});

Deno.test("GetRevision tells what one deploy was made from, and says which there are", async () => {
  await using node = await start();
  const client = node.client();
  await client.deploy(shop(images[0]!), ample);
  await client.deploy(shop(images[1]!), ample);
  const { revision, spec } = await client.getRevision({ service: "shop", number: 1 }, ample);
  deepStrictEqual(
    [revision?.number, spec?.name, spec?.components.map(({ image }) => image)],
    [1, "shop", [images[0]]],
  );
  const none = await refusal(
    client.getRevision({ service: "shop", number: 9 }, ample),
    "not_found",
  );
  strictEqual(none.message, 'There is no revision 9 of "shop"');
  await refusal(client.getRevision({ service: "shop", number: 0 }, ample), "not_found");
  await refusal(client.getRevision({ service: "nobody", number: 1 }, ample), "not_found");
  await refusal(client.listRevisions({ service: "nobody" }, ample), "not_found");
  for (const service of ["-x", "..", "a/b", ""]) {
    await refusal(client.listRevisions({ service }, ample), "invalid");
    await refusal(client.getRevision({ service, number: 1 }, ample), "invalid");
  }
});

Deno.test("a history is told also while podman cannot be asked", async () => {
  await using node = await start();
  const client = node.client();
  await client.deploy(shop(images[0]!), ample);
  node.runtime.fail("listImages");
  const { revisions } = await client.listRevisions({ service: "shop" }, ample);
  deepStrictEqual(revisions[0]?.components.map(({ imageKept }) => imageKept), [false]);
});

// --- Pruning ------------------------------------------------------------------------

async function namesOnNode(node: TestNode): Promise<string[]> {
  return (await node.runtime.listImages()).flatMap(({ names }) => names).sort();
}

Deno.test("PruneImages removes what is neither run nor declared nor among the last good", async () => {
  await using node = await start("keep_revisions = 2");
  const client = node.client();
  for (const image of images) await client.deploy(shop(image), ample);
  node.runtime.build("localhost/mine:v1");
  await node.runtime.runByHand("stranger", { image: "other.example/x:v1" });
  node.runtime.stopByHand("stranger");
  const dry = await client.pruneImages({ dryRun: true }, ample);
  deepStrictEqual(dry.images.flatMap(({ names }) => names).sort(), images.slice(0, 3));
  strictEqual((await namesOnNode(node)).length, 7, "a dry run removes nothing");
  const { images: pruned } = await client.pruneImages({}, ample);
  deepStrictEqual(pruned.map(({ error, bytes }) => [error, bytes]), [
    ["", 1_000_000n],
    ["", 1_000_000n],
    ["", 1_000_000n],
  ]);
  deepStrictEqual(
    await namesOnNode(node),
    [
      "localhost/mine:v1",
      "other.example/x:v1",
      images[3],
      images[4],
    ].sort(),
  );
  deepStrictEqual((await client.pruneImages({}, ample)).images, []);
});

Deno.test("PruneImages keeps what a moved tag meant before, while it can be gone back to", async () => {
  await using node = await start();
  const client = node.client();
  const [web = ""] = images;
  await client.deploy(shop(web), ample);
  node.runtime.publish(web);
  await client.deploy(shop(web), ample);
  strictEqual((await node.runtime.listImages()).length, 2);
  deepStrictEqual((await client.pruneImages({}, ample)).images, []);
});

Deno.test("PruneImages does not count what failed or was deployed again as one to go back to", async () => {
  await using node = await start("keep_revisions = 2");
  const client = node.client();
  await client.deploy(shop(images[0]!), ample);
  for (let times = 0; times < 4; times++) await client.deploy(shop(images[1]!), ample);
  node.runtime.publish(images[2]!, { exit: { code: 1, afterMs: 10 } });
  await client.deploy(shop(images[2]!), ample);
  await client.deploy(shop(images[1]!), ample);
  const { images: pruned } = await client.pruneImages({}, ample);
  deepStrictEqual(pruned.flatMap(({ names }) => names), [images[2]]);
});

Deno.test("PruneImages says why an image could not be removed, and goes on", async () => {
  await using node = await start("keep_revisions = 1");
  const client = node.client();
  for (const image of images.slice(0, 3)) await client.deploy(shop(image), ample);
  node.runtime.fail("discardImage", new McpError("conflict", "Cannot remove it: it is in use"), {
    times: 1,
  });
  const { images: pruned } = await client.pruneImages({}, ample);
  deepStrictEqual(pruned.map(({ error }) => error), ["Cannot remove it: it is in use", ""]);
  node.runtime.fail("list");
  await refusal(client.pruneImages({}, ample), "unavailable");
});
