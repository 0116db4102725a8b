import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { appendEvent } from "../../agent/registry/events.ts";
import { McpError } from "../../lib/errors.ts";
import type { EventInfo, WatchEventsResponse } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { eventually } from "../support/eventually.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ample, type NodeClient, TestNode } from "../support/test_node.ts";

const noon = new Date("2030-01-01T12:00:00Z");
const endless = { timeoutMs: Infinity };

function after(seconds: number): Date {
  return new Date(noon.getTime() + seconds * 1_000);
}

/** A node whose registry remembers as many events of shop/web, one a second from noon on. */
async function nodeWith(events: number, config = ""): Promise<TestNode> {
  const node = await TestNode.start({ config });
  using registry = node.openRegistry();
  registry.transaction(() => {
    for (let at = 0; at < events; at++) {
      appendEvent(registry, {
        service: at % 2 === 0 ? "shop" : "mail",
        component: `c${at}`,
        previous: "running",
        next: "exited",
        at: after(at),
        cause: "exit code 1",
        actor: "",
      });
    }
  });
  return node;
}

/** A container of this name crashes or is started, and the node looks. */
async function crash(node: TestNode, client: NodeClient, name = "shop-web"): Promise<void> {
  await node.clock.advance(10);
  node.runtime.crash(name, 1);
  await client.liveCheck({}, ample);
  await node.runtime.start(name);
  await client.liveCheck({}, ample);
}

/** Containers that somebody runs by hand: each crash of theirs is two events. */
async function nodeWithContainers(...names: readonly string[]): Promise<TestNode> {
  const node = await TestNode.start();
  for (const name of names) await node.runtime.runByHand(name);
  await node.client().liveCheck({}, ample);
  return node;
}

function brief(event: EventInfo | undefined): string {
  return `${event?.component} ${event?.prevState} to ${event?.newState}: ${event?.cause}`;
}

/** Reads a stream in the background. */
function reading(stream: AsyncIterable<WatchEventsResponse>) {
  const events: string[] = [];
  const ended = (async () => {
    for await (const { event } of stream) events.push(brief(event));
  })();
  ended.catch(() => {});
  const seen = (count: number) =>
    eventually(
      `${count} events`,
      () => Promise.resolve(events.length >= count ? events : undefined),
    );
  return { events, ended, seen };
}

// --- ListEvents ---

Deno.test("ListEvents answers with the latest hundred, newest first, unless it is told more", async () => {
  await using node = await nodeWith(1_200);
  const client = node.client();
  const asked = async (limit: number) =>
    (await client.listEvents({ limit }, ample)).events.map(({ component }) => component);
  deepStrictEqual((await asked(0)).length, 100);
  deepStrictEqual(await asked(3), ["c1199", "c1198", "c1197"]);
  for (const limit of [1_000, 1_001, 4_294_967_295]) {
    strictEqual((await asked(limit)).length, 1_000, `${limit}`);
  }
});

Deno.test("ListEvents tells all of an event", async () => {
  await using node = await nodeWith(3);
  const [last] = (await node.client().listEvents({}, ample)).events;
  ok(last !== undefined && last.id > 0n);
  deepStrictEqual(
    [last.service, last.component, last.prevState, last.newState, last.cause, last.timestamp],
    ["shop", "c2", "running", "exited", "exit code 1", timestampFromDate(after(2))],
  );
});

Deno.test("ListEvents answers with one service and with what is from a time on", async () => {
  await using node = await nodeWith(10);
  const client = node.client();
  const names = async (request: Parameters<NodeClient["listEvents"]>[0]) =>
    (await client.listEvents(request, ample)).events.map(({ component }) => component).join(" ");
  strictEqual(await names({ service: "mail" }), "c9 c7 c5 c3 c1");
  strictEqual(await names({ since: timestampFromDate(after(7)) }), "c9 c8 c7");
  const since = timestampFromDate(new Date(after(7).getTime() + 1));
  strictEqual(await names({ since, service: "shop" }), "c8");
  strictEqual(await names({ service: "nobody" }), "");
});

for (const [given, seconds] of [["too late", 1n << 60n], ["too early", -(1n << 40n)]] as const) {
  Deno.test(`ListEvents, WatchEvents and ListAudit refuse a time that is ${given}`, async () => {
    await using node = await TestNode.start();
    const client = node.client();
    const since = { seconds, nanos: 0 };
    await rejects(client.listEvents({ since }, ample), { kind: "invalid" });
    await rejects(client.listAudit({ since }, ample), { kind: "invalid" });
    await rejects(reading(client.watchEvents({ since }, ample)).ended, { kind: "invalid" });
  });
}

// --- WatchEvents ---

Deno.test("WatchEvents tells what happens from then on, as it happens", async () => {
  await using node = await nodeWithContainers("web");
  const client = node.client();
  await crash(node, client, "web");
  const watch = reading(client.watchEvents({}, endless));
  // The stream is open once something comes: until then, more happens.
  await eventually("the stream is open", async () => {
    await crash(node, client, "web");
    return watch.events.length > 0 || undefined;
  });
  const before = watch.events.length;
  await crash(node, client, "web");
  const events = await watch.seen(before + 2);
  deepStrictEqual(events.slice(-2), [
    "web running to exited: exit code 1",
    "web exited to running: ",
  ]);
});

Deno.test("WatchEvents begins with what was seen from a time on, oldest first, without a gap", async () => {
  await using node = await nodeWith(1_001);
  await node.runtime.runByHand("web");
  const client = node.client();
  await client.liveCheck({}, ample);
  const watch = reading(client.watchEvents({ since: timestampFromDate(after(1)) }, endless));
  await watch.seen(1_000);
  await crash(node, client, "web");
  const events = await watch.seen(1_002);
  deepStrictEqual(
    events.slice(0, 1_000).map((event) => event.split(" ")[0]),
    Array.from({ length: 1_000 }, (_, at) => `c${at + 1}`),
  );
  deepStrictEqual(events.slice(1_000).map((event) => event.split(" ")[0]), ["web", "web"]);
});

Deno.test("WatchEvents misses nothing that was learned late", async () => {
  await using node = await TestNode.start();
  {
    using registry = node.openRegistry();
    // A death that was told after a later one had been seen.
    for (const seconds of [5, 3, 6]) {
      const states = { previous: "running", next: "exited" } as const;
      const where = { service: "shop", component: `c${seconds}`, cause: "", actor: "" };
      appendEvent(registry, { ...where, ...states, at: after(seconds) });
    }
  }
  const watch = reading(
    node.client().watchEvents({ since: timestampFromDate(after(4)) }, endless),
  );
  const events = await watch.seen(2);
  ok(events.some((event) => event.startsWith("c5 ")), events.join("\n"));
});

Deno.test("WatchEvents tells of one service when that is asked for", async () => {
  await using node = await nodeWithContainers("web", "mail");
  const client = node.client();
  const since = timestampFromDate(new Date(0));
  const watch = reading(client.watchEvents({ service: "mail", since }, endless));
  await crash(node, client, "web");
  await crash(node, client, "mail");
  await watch.seen(2);
  ok(watch.events.every((event) => event.startsWith("mail ")), watch.events.join("\n"));
});

Deno.test("WatchEvents tells every watcher the same", async () => {
  await using node = await nodeWithContainers("web");
  const client = node.client();
  const since = timestampFromDate(new Date(0));
  const watches = [1, 2, 3].map(() => reading(node.client().watchEvents({ since }, endless)));
  for (let time = 0; time < 20; time++) await crash(node, client, "web");
  for (const watch of watches) {
    await watch.seen(40);
    deepStrictEqual(watch.events, watches[0]?.events);
  }
});

Deno.test("WatchEvents lets a slow reader wait, and nobody else", async () => {
  await using node = await nodeWith(20_000);
  const client = node.client();
  const since = timestampFromDate(noon);
  const slow = node.client().watchEvents({ since }, endless)[Symbol.asyncIterator]();
  await slow.next();
  const fast = reading(client.watchEvents({ since }, endless));
  await fast.seen(20_000);
  await client.nodeStatus({}, ample);
  let read = 1;
  while (read < 20_000 && !(await slow.next()).done) read++;
  strictEqual(read, 20_000);
  await slow.return?.();
});

for (
  const [given, events] of [
    ["a stream that waits is open", 0],
    ["a reader does not read", 60_000],
  ] as const
) {
  Deno.test(`an agent stops at once when ${given}, and says so`, async () => {
    // So long it would wait for a rollout; nobody moves anything here.
    await using node = await nodeWith(events, `[rollout]\ndrain_timeout = "24h"`);
    const since = timestampFromDate(noon);
    const stream = node.client().watchEvents({ since }, endless)[Symbol.asyncIterator]();
    if (events > 0) await stream.next();
    const watch = events > 0 ? undefined : reading({ [Symbol.asyncIterator]: () => stream });
    await node.client().nodeStatus({}, ample);
    const address = node.address;
    await node.stop();
    const rest = watch?.ended ?? (async () => {
      while (!(await stream.next()).done);
    })();
    await rejects(rest, (error) => {
      ok(error instanceof McpError && error.kind === "unavailable", Deno.inspect(error));
      match(error.message, new RegExp(`The agent is stopping|${address}|[Cc]ancelled`));
      return true;
    });
  });
}

Deno.test("a watcher that leaves is let go, and audited as who it was", async () => {
  await using logs = await QuietLogs.start();
  await using node = await nodeWithContainers("web");
  const client = node.client();
  const since = timestampFromDate(new Date(0));
  await crash(node, client, "web");
  for await (const _ of client.watchEvents({ service: "web", since }, endless)) break;
  const entry = await eventually("the audit line of the watcher", () =>
    Promise.resolve(
      logs.entries("mcp.audit").find(({ method }) => method === "WatchEvents"),
    ));
  deepStrictEqual([entry["caller"], entry["outcome"]], ["admin", "OK"]);
  // What happens now is told to nobody, and is no defect.
  await crash(node, client, "web");
  ok(!logs.text.includes("Defect"), logs.text);
});

Deno.test("WatchEvents refuses a caller whose token is none", async () => {
  await using node = await TestNode.start();
  const client = node.client("mcp_nobody-made-this");
  await rejects(reading(client.watchEvents({}, ample)).ended, { kind: "unauthenticated" });
});
