/** Logs through the agent: order, bounds, and what happens when containers come and go. */

import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { Logs, type LogsOptions, type ToldLine } from "../../agent/watch/logs/logs.ts";
import type { ContainerDetail, LogRecord } from "../../agent/runtime/runtime.ts";
import { errorChain, McpError } from "../../lib/errors.ts";
import { realClock } from "../../lib/system/clock.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryRuntime } from "../support/memory_runtime.ts";
import { ample, type NodeClient, TestNode } from "../support/test_node.ts";

const web = "registry.example/web:v1";
const api = "registry.example/api:v1";
const shop = {
  service: {
    name: "shop",
    active: true,
    components: [{ name: "web", image: web }, { name: "api", image: api }],
  },
};

/** A node whose clock is the real one: what is held back for a moment waits for it. */
async function start() {
  const runtime = new MemoryRuntime({ clock: realClock, images: [web, api] });
  const node = await TestNode.start({
    clock: realClock,
    runtime,
    config: '[rollout]\nsettle = "0s"',
  });
  await node.client().deploy(shop, ample);
  return node;
}

type Request = Parameters<NodeClient["streamLogs"]>[0];

async function read(client: NodeClient, request: Request): Promise<string[]> {
  const lines: string[] = [];
  for await (const response of client.streamLogs({ service: "shop", ...request }, ample)) {
    for (const { component, text, stderr, skipped } of response.lines) {
      lines.push(
        skipped > 0
          ? `${component}: ${skipped} skipped`
          : `${component}${stderr ? "!" : ""}: ${text}`,
      );
    }
  }
  return lines;
}

async function refusal(call: Promise<unknown>, kind: string): Promise<McpError> {
  let found: unknown;
  await rejects(call, (error) => (found = error, true));
  ok(found instanceof McpError);
  strictEqual(found.kind, kind, errorChain(found));
  return found;
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 3));

Deno.test("StreamLogs tells what all components print in the order of time", async () => {
  await using node = await start();
  const client = node.client();
  const { runtime } = node;
  for (
    const [name, text] of [["web", "1"], ["api", "2"], ["web", "3"], ["web", "4"], ["api", "5"]]
  ) {
    runtime.print(`shop-${name}`, text!, { isStderr: text === "3" });
    await turn();
  }
  deepStrictEqual(await read(client, {}), ["web: 1", "api: 2", "web!: 3", "web: 4", "api: 5"]);
  deepStrictEqual(await read(client, { component: "api" }), ["api: 2", "api: 5"]);
  deepStrictEqual(await read(client, { tail: 1 }), ["web: 4", "api: 5"]);
  const [first] = await (async () => {
    for await (const { lines } of client.streamLogs({ service: "shop" }, ample)) return lines;
    return [];
  })();
  ok(first?.timestamp !== undefined);
  const since = timestampFromDate(new Date(timestampDate(first.timestamp).getTime() + 1));
  strictEqual((await read(client, { since })).includes("web: 1"), false);
  deepStrictEqual(await read(client, { until: first.timestamp }), ["web: 1"]);
});

Deno.test("StreamLogs with follow goes on, and on with the container that comes after", async () => {
  await using node = await start();
  const client = node.client();
  const lines: string[] = [];
  const gone = new AbortController();
  const following = (async () => {
    const call = { ...ample, signal: gone.signal };
    for await (const response of client.streamLogs({ service: "shop", follow: true }, call)) {
      for (const { component, text } of response.lines) lines.push(`${component}: ${text}`);
    }
  })().catch((error) => error);
  const seen = (line: string) =>
    eventually(line, () => Promise.resolve(lines.includes(line) || undefined));
  node.runtime.print("shop-web", "of the first");
  await seen("web: of the first");
  await client.deploy({ service: shop.service, component: "web", keepUnchanged: false }, ample);
  node.runtime.print("shop-web", "of the second");
  await seen("web: of the second");
  node.runtime.print("shop-api", "still there");
  await seen("api: still there");
  gone.abort();
  await following;
  deepStrictEqual(lines, ["web: of the first", "web: of the second", "api: still there"]);
});

Deno.test("StreamLogs of a service without containers says so, and with follow waits for one", async () => {
  await using node = await start();
  const client = node.client();
  node.runtime.removeByHand("shop-web");
  deepStrictEqual(await read(client, {}), [], "the other one is there");
  match(
    (await refusal(read(client, { component: "web" }), "not_found")).message,
    /^There is no container of "shop\/web" on this node$/,
  );
  const first = (async () => {
    for await (
      const { lines } of client.streamLogs(
        { service: "shop", component: "web", follow: true },
        ample,
      )
    ) return lines[0]?.text;
    return undefined;
  })();
  await client.deploy(shop, ample);
  node.runtime.print("shop-web", "here");
  strictEqual(await first, "here");
});

Deno.test("StreamLogs refuses what is not there and what makes no sense", async () => {
  await using node = await start();
  const client = node.client();
  await refusal(read(client, { service: "nobody" }), "not_found");
  match(
    (await refusal(read(client, { component: "wbe" }), "not_found")).hint ?? "",
    /^Its components are web, api$/,
  );
  for (const service of ["-x", "a/b", "..", ""]) {
    await refusal(read(client, { service }), "invalid");
  }
  await refusal(read(client, { since: { seconds: 10n ** 15n } }), "invalid");
  deepStrictEqual(await read(client, { since: { seconds: -62135596800n } }), []);
});

Deno.test("StreamLogs that is followed ends with the agent, and says why", async () => {
  await using node = await start();
  const following = read(node.client(), { follow: true });
  const caught = following.catch((error) => error);
  await turn();
  await node.stop();
  const error = await caught;
  ok(error instanceof McpError);
  strictEqual(error.kind, "unavailable");
});

Deno.test("StreamLogs fails when podman cannot be asked", async () => {
  await using node = await start();
  node.runtime.fail("readLog");
  const refused = await refusal(read(node.client(), {}), "unavailable");
  match(errorChain(refused), /Cannot read the log of component "web": .*out of order/);
});

// --- Bounds -------------------------------------------------------------------------

/** Reads without a network between. */
async function collect(
  runtime: MemoryRuntime,
  change: {
    readonly follow?: boolean;
    readonly tell?: (lines: readonly ToldLine[]) => Promise<void>;
  },
  signal: AbortSignal = new AbortController().signal,
): Promise<ToldLine[]> {
  const told: ToldLine[] = [];
  await new Logs({ runtime, clock: realClock }).read({
    service: "shop",
    targets: [{ component: "web", container: "web" }],
    follow: change.follow ?? false,
    since: undefined,
    until: undefined,
    tail: undefined,
    signal,
    tell: async (lines) => {
      told.push(...lines);
      await change.tell?.(lines);
    },
  });
  return told;
}

async function printing(lines: number): Promise<MemoryRuntime> {
  const clock = new FakeClock({ autoAdvance: true });
  const runtime = new MemoryRuntime({ clock: realClock });
  await runtime.runByHand("web");
  for (let at = 0; at < lines; at++) runtime.print("web", `line ${at}`);
  await clock.advance(0);
  return runtime;
}

Deno.test("a reader that is slow loses nothing of the past", async () => {
  const runtime = await printing(20_000);
  await turn();
  const told = await collect(runtime, {
    tell: () => new Promise((resolve) => setTimeout(resolve, 1)),
  });
  deepStrictEqual(
    told.map((line) => "text" in line ? line.text : "skipped"),
    Array.from({ length: 20_000 }, (_, at) => `line ${at}`),
  );
});

Deno.test("of the past no more is read ahead of a reader that stands still than is held", async () => {
  const gone = new AbortController();
  const stands = Promise.withResolvers<void>();
  let readAhead = 0;
  const runtime = printsAtOnce(async (record, onRecord) => {
    for (; readAhead < 100_000 && !gone.signal.aborted; readAhead++) {
      await onRecord(record(readAhead));
    }
  });
  const reading = followAll(
    { runtime, clock: realClock },
    ["web"],
    gone.signal,
    () => stands.promise,
  );
  let before = 0;
  const isStill = () => {
    const same = readAhead >= 2_000 && readAhead === before;
    before = readAhead;
    return Promise.resolve(same ? readAhead : undefined);
  };
  // 500 are being told, and 2,000 are held.
  strictEqual(await eventually("nothing more is read", isStill), 2_500);
  gone.abort();
  stands.resolve();
  await reading;
});

for (
  const { components, heldMs } of [
    // Both streams of a container come from one program, and at the same time.
    { components: ["web"], heldMs: 200 },
    // Podman may not have begun to read the log of the other one.
    { components: ["web", "api"], heldMs: 2_000 },
  ]
) {
  Deno.test(`the past of ${components.join(" and ")} is held back for ${heldMs} ms when the rest is silent`, async () => {
    const clock = new FakeClock();
    const gone = new AbortController();
    const printed = Promise.withResolvers<void>();
    const told: ToldLine[] = [];
    const runtime = printsAtOnce(async (record, onRecord, signal) => {
      for (let at = 0; at < 3; at++) await onRecord(record(at));
      printed.resolve();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    const reading = followAll({ runtime, clock }, components, gone.signal, (lines) => {
      told.push(...lines);
      return Promise.resolve();
    });
    await printed.promise;
    await clock.advance(heldMs - 1);
    deepStrictEqual(told, [], "something earlier may yet come");
    await clock.advance(1);
    strictEqual(told.length, 3);
    gone.abort();
    await reading;
  });
}

type OnRecord = (record: LogRecord) => void | Promise<void>;

/** A container "web" that prints what this says, all of it long ago, and others that print nothing. */
function printsAtOnce(
  print: (
    record: (at: number) => LogRecord,
    onRecord: OnRecord,
    signal: AbortSignal,
  ) => Promise<void>,
): LogsOptions["runtime"] {
  const record = (at: number) => ({ at: BigInt(at), isStderr: false, text: `line ${at}` });
  return {
    inspect: (id) =>
      Promise.resolve({
        id,
        status: "running",
        startedAt: undefined,
      } as unknown as ContainerDetail),
    readLog: (container, { onRecord, signal }) =>
      container === "web"
        ? print(record, onRecord, signal)
        : new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
  };
}

/** Follows the logs of containers that are called like their components. */
async function followAll(
  options: LogsOptions,
  components: readonly string[],
  signal: AbortSignal,
  tell: (lines: readonly ToldLine[]) => Promise<void>,
): Promise<void> {
  await new Logs(options).read({
    service: "shop",
    targets: components.map((component) => ({ component, container: component })),
    follow: true,
    since: undefined,
    until: undefined,
    tail: undefined,
    signal,
    tell,
  });
}

Deno.test("a reader that stands still makes new lines take the place of old ones, and is told how many", async () => {
  const runtime = await printing(0);
  const stands = Promise.withResolvers<void>();
  const gone = new AbortController();
  const reached = Promise.withResolvers<void>();
  const reading = collect(runtime, {
    follow: true,
    tell: async (lines) => {
      reached.resolve();
      await stands.promise;
      if (lines.some((line) => "text" in line && line.text === "last")) gone.abort();
    },
  }, gone.signal);
  await turn();
  runtime.print("web", "first");
  await reached.promise;
  const many = 50_000;
  for (let at = 0; at < many; at++) {
    runtime.print("web", `line ${at}`);
    // The reader of the log has its turn, as it would have.
    if (at % 1_000 === 0) await turn();
  }
  runtime.print("web", "last");
  await turn();
  stands.resolve();
  const told = await reading;
  const skipped = told.reduce((sum, line) => "skipped" in line ? sum + line.skipped : sum, 0);
  const texts = told.flatMap((line) => "text" in line ? [line.text] : []);
  strictEqual(skipped + texts.length, many + 2);
  ok(texts.length <= 2_000 + 2, `${texts.length} lines were held`);
  deepStrictEqual([texts[0], texts.at(-1)], ["first", "last"]);
});

Deno.test("no more logs are read at once than a node can bear", async () => {
  const runtime = await printing(0);
  const logs = new Logs({ runtime, clock: realClock });
  const gone = new AbortController();
  const request = {
    service: "shop",
    targets: Array.from({ length: 60 }, (_, at) => ({ component: `c${at}`, container: "web" })),
    follow: true,
    since: undefined,
    until: undefined,
    tail: undefined,
    signal: gone.signal,
    tell: () => Promise.resolve(),
  };
  const first = logs.read(request);
  await refusal(logs.read(request), "unavailable");
  gone.abort();
  await first;
  const again = logs.read({ ...request, follow: false, signal: new AbortController().signal });
  await again;
});
