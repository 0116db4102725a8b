import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { errorChain, McpError } from "../../lib/errors.ts";
import type { RollOutResponse } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryRuntime } from "../support/memory_runtime.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ample, type NodeClient, TestNode } from "../support/test_node.ts";

const web1 = "registry.example/web:v1";
const web2 = "registry.example/web:v2";
const api1 = "registry.example/api:v1";
const shop1 = { name: "shop", active: true, components: [{ name: "web", image: web1 }] };
const shop2 = { name: "shop", active: true, components: [{ name: "web", image: web2 }] };

async function start(folder?: string): Promise<TestNode> {
  const clock = new FakeClock({ autoAdvance: true });
  const runtime = new MemoryRuntime({ clock, images: [web1, web2, api1] });
  return await TestNode.start({ clock, runtime, ...(folder === undefined ? {} : { folder }) });
}

/** All events of a stream, to its end. */
async function all(stream: AsyncIterable<RollOutResponse>): Promise<RollOutResponse[]> {
  return await Array.fromAsync(stream);
}

/** "kind component: text" of each event. */
function textOf(events: readonly RollOutResponse[]): string[] {
  return events.map(({ kind, component, text }) =>
    `${kind}${component === "" ? "" : ` ${component}`}: ${text}`
  );
}

async function refusalOf(call: Promise<unknown>): Promise<McpError> {
  let refusal: unknown;
  await rejects(call, (error) => (refusal = error, true));
  ok(refusal instanceof McpError, errorChain(refusal));
  return refusal;
}

Deno.test("RollOut tells each step as it is taken, and ends with all results", async () => {
  await using _logs = await QuietLogs.start();
  await using node = await start();
  const client = node.client();
  await client.deploy({ service: shop1 }, ample);
  const events = await all(client.rollOut({ operationId: "op-1", service: shop2 }, ample));
  deepStrictEqual(textOf(events), [
    "begun: revision 2 of shop: web",
    `step web: pulling ${web2}`,
    `progress web: Trying to pull ${web2}...`,
    `step web: running shop-web.next from ${web2}`,
    "step web: waiting for shop-web.next to stay up",
    "step web: renaming shop-web to shop-web.previous",
    "step web: renaming shop-web.next to shop-web",
    "step web: stopping shop-web.previous",
    "step web: removing shop-web.previous",
    "component_ended web: replaced v1 by v2",
    "ended: all 1 ended well",
  ]);
  deepStrictEqual(events.map(({ sequence }) => Number(sequence)), events.map((_, at) => at + 1));
  ok(events.every(({ operationId, timestamp }) => operationId === "op-1" && timestamp));
  strictEqual(events[0]?.revision, 2);
  const last = events.at(-1);
  deepStrictEqual(
    [last?.revision, last?.results.map(({ name, verdict, success }) => [name, verdict, success])],
    [2, [["web", "running", true]]],
  );
  strictEqual(events.at(-2)?.result?.verdict, "running");
});

Deno.test("RollOut of the same operation is answered with the first one's outcome", async () => {
  await using _logs = await QuietLogs.start();
  await using node = await start();
  const client = node.client();
  const request = { operationId: "op-1", service: shop1 };
  const first = await all(client.rollOut(request, ample));
  const ids = (await node.runtime.list()).map(({ id }) => id);
  const again = await all(client.rollOut(request, ample));
  deepStrictEqual(textOf(again), textOf(first));
  deepStrictEqual((await node.runtime.list()).map(({ id }) => id), ids);
  using registry = node.openRegistry();
  strictEqual(registry.all("SELECT * FROM revisions").length, 1);
});

Deno.test("an operation is known after the agent has started again", async () => {
  await using _logs = await QuietLogs.start();
  await using node = await start();
  const request = { operationId: "op-1", service: shop1 };
  await all(node.client().rollOut(request, ample));
  await node.stop();
  await using next = await start(node.folder);
  const events = await all(next.client().rollOut(request, ample));
  deepStrictEqual(textOf(events), [
    "begun: begun",
    "component_ended web: created v1",
    "ended: all 1 ended well",
  ]);
  deepStrictEqual(
    events.at(-1)?.results.map(({ name, verdict }) => [name, verdict]),
    [["web", "running"]],
  );
  deepStrictEqual(next.runtime.containers, []);
});

Deno.test("an operation that stands for something else is refused", async () => {
  await using _logs = await QuietLogs.start();
  await using node = await start();
  const client = node.client();
  await all(client.rollOut({ operationId: "op-1", service: shop1 }, ample));
  for (
    const other of [
      () => all(client.rollOut({ operationId: "op-1", service: shop2 }, ample)),
      () => all(client.rollOut({ operationId: "op-1", service: shop1, recreate: true }, ample)),
      () => client.deploy({ operationId: "op-1", service: shop1 }, ample),
    ]
  ) {
    const refusal = await refusalOf(other());
    deepStrictEqual([refusal.kind, refusal.message], [
      "conflict",
      "Cannot begin operation op-1: it stands for something else that was asked for shop",
    ]);
  }
  const odd = await refusalOf(all(client.rollOut({ operationId: "a b", service: shop1 }, ample)));
  strictEqual(odd.kind, "invalid");
});

Deno.test("Deploy with an operation is done once, however often it is asked for", async () => {
  await using _logs = await QuietLogs.start();
  await using node = await start();
  const client = node.client();
  const pull = node.runtime.hold("pull");
  const request = { operationId: "op-1", service: shop1 };
  const both = [client.deploy(request, ample), node.client().deploy(request, ample)];
  await pull.reached;
  pull.release();
  const answers = await Promise.all(both);
  deepStrictEqual(
    answers.map(({ revision, results }) => [revision, results[0]?.summary]),
    [[1, "created v1"], [1, "created v1"]],
  );
});

/** Reads events until one is of this kind; then leaves. */
async function readUntil(
  stream: AsyncIterable<RollOutResponse>,
  kind: string,
): Promise<RollOutResponse[]> {
  const events = [];
  for await (const event of stream) {
    events.push(event);
    if (event.kind === kind) break;
  }
  return events;
}

Deno.test("a rollout goes on when its caller leaves, and can be watched from its first step", async () => {
  await using _logs = await QuietLogs.start();
  await using node = await start();
  const run = node.runtime.hold("run");
  await readUntil(node.client().rollOut({ service: shop1 }, ample), "progress");
  await run.reached;
  const watching = all(node.client().attachRollOut({ service: "shop" }, ample));
  run.release();
  const events = await watching;
  strictEqual(textOf(events)[0], "begun: revision 1 of shop: web");
  strictEqual(textOf(events).at(-1), "ended: all 1 ended well");
  deepStrictEqual(node.runtime.containers, ["shop-web running"]);
  // Also by its id, and when it has long ended.
  const { operationId = "" } = events[0] ?? {};
  deepStrictEqual(
    textOf(await all(node.client().attachRollOut({ operationId }, ample))),
    textOf(events),
  );
});

Deno.test("a rollout that has ended is let go after an hour", async () => {
  await using _logs = await QuietLogs.start();
  await using node = await start();
  const client = node.client();
  await all(client.rollOut({ operationId: "op-1", service: shop1 }, ample));
  await node.clock.sleep(3_600_001);
  const refusal = await refusalOf(all(client.attachRollOut({ service: "shop" }, ample)));
  deepStrictEqual([refusal.kind, refusal.message, refusal.hint], [
    "not_found",
    'There is no rollout of "shop" to watch',
    "Run `mcp status shop`",
  ]);
  // Its outcome is still remembered.
  strictEqual((await all(client.attachRollOut({ operationId: "op-1" }, ample))).length, 3);
});

Deno.test("who comes second is told who holds the service and how to watch", async () => {
  await using _logs = await QuietLogs.start();
  await using node = await start();
  const pull = node.runtime.hold("pull");
  const first = all(node.client().rollOut({ operationId: "op-1", service: shop1 }, ample));
  await pull.reached;
  const refusal = await refusalOf(all(node.client().rollOut({ service: shop2 }, ample)));
  match(
    refusal.message,
    /^Cannot deploy "shop": a deploy by admin has been running since .*, operation op-1\)$/,
  );
  strictEqual(refusal.hint, "Run `mcp deploy shop --attach` to watch it");
  pull.release();
  strictEqual((await first).at(-1)?.kind, "ended");
});

Deno.test("a rollout that cannot begin is refused like any call, and leaves no operation", async () => {
  await using _logs = await QuietLogs.start();
  await using node = await start();
  const client = node.client();
  node.runtime.fail("list");
  const request = { operationId: "op-1", service: shop1 };
  strictEqual((await refusalOf(all(client.rollOut(request, ample)))).kind, "unavailable");
  node.runtime.heal();
  strictEqual((await all(client.rollOut(request, ample))).at(-1)?.kind, "ended");
});

Deno.test("an agent that is told to stop ends the streams of rollouts it could not finish", async () => {
  await using _logs = await QuietLogs.start();
  const clock = new FakeClock({ autoAdvance: true });
  const runtime = new MemoryRuntime({ clock, images: [web1] });
  await using node = await TestNode.start({
    clock,
    runtime,
    config: `[rollout]\ndrain_timeout = "100ms"`,
  });
  const hanging = runtime.hang("run");
  const rolling = all(node.client().rollOut({ operationId: "op-1", service: shop1 }, ample));
  const ended = refusalOf(rolling);
  await hanging;
  await node.stop();
  strictEqual((await ended).kind, "unavailable");
  // It was never finished: the same may be asked for again, and begins anew.
  await using next = await start(node.folder);
  const watched = await refusalOf(
    all(next.client().attachRollOut({ operationId: "op-1" }, ample)),
  );
  strictEqual(watched.message, "Operation op-1 was interrupted");
  const request = { operationId: "op-1", service: shop1 };
  const events = await all(next.client().rollOut(request, ample));
  strictEqual(events[0]?.text, "revision 2 of shop: web");
  strictEqual(events.at(-1)?.results[0]?.verdict, "running");
});

Deno.test("PlanDeploy says what RollOut by its id then does", async () => {
  await using _logs = await QuietLogs.start();
  await using node = await start();
  const client = node.client();
  await client.deploy({ service: shop1 }, ample);
  const { planId, components } = await client.planDeploy({ service: shop2 }, ample);
  deepStrictEqual(
    components.map(({ name, action, order, downtimeReason, differences, notes }) => ({
      name,
      action,
      order,
      downtimeReason,
      fields: differences.map(({ field, deployed, declared }) => [field, deployed, declared])[0],
      notes,
    })),
    [{
      name: "web",
      action: "replace",
      order: "start-first",
      downtimeReason: "",
      fields: ["image", web1, web2],
      notes: [],
    }],
  );
  node.runtime.stopByHand("shop-web");
  const refusal = await refusalOf(all(client.rollOut({ service: shop2, planId }, ample)));
  strictEqual(refusal.kind, "conflict");
  match(refusal.details.join(), /the container of web was running and is exited/);
  await node.runtime.start("shop-web");
  const events = await all(client.rollOut({ service: shop2, planId }, ample));
  strictEqual(events.at(-1)?.results[0]?.verdict, "running");
});

Deno.test("RollOut goes back to a revision", async () => {
  await using _logs = await QuietLogs.start();
  await using node = await start();
  const client = node.client();
  await client.deploy({ service: shop1 }, ample);
  await client.deploy({ service: shop2 }, ample);
  const plan = await client.planDeploy({ service: { name: "shop" }, revision: 1 }, ample);
  strictEqual(plan.components[0]?.action, "replace");
  const { planId } = plan;
  const events = await all(
    client.rollOut({ service: { name: "shop" }, revision: 1, planId }, ample),
  );
  strictEqual(events.at(-1)?.results[0]?.summary, "replaced v2 by v1");
  const { services } = await client.getServiceStatus({ name: "shop" }, ample);
  strictEqual(services[0]?.components[0]?.image, web1);
});

/** Watches with a reader who does not read. */
async function stall(client: NodeClient): Promise<AsyncIterator<RollOutResponse>> {
  const reader = client.attachRollOut({ service: "shop" }, ample)[Symbol.asyncIterator]();
  await reader.next();
  return reader;
}

Deno.test("a watcher who does not read slows nobody", async () => {
  await using _logs = await QuietLogs.start();
  await using node = await start();
  const run = node.runtime.hold("run");
  const rolling = all(node.client().rollOut({ service: shop1 }, ample));
  await run.reached;
  const reader = await stall(node.client());
  run.release();
  strictEqual((await rolling).at(-1)?.kind, "ended");
  await reader.return?.();
  await eventually("the service is free again", async () => {
    const { results } = await node.client().stopService({ name: "shop" }, ample);
    return results[0]?.summary;
  });
});
