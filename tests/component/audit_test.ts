import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { createToken } from "../../agent/door/auth/local.ts";
import { type AuditEntry, recentAudit } from "../../agent/registry/audit.ts";
import { Registry } from "../../agent/registry/registry.ts";
import { AuditTrail } from "../../agent/door/rpc/audit_trail.ts";
import type { AuditEntry as WireEntry } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { eventually } from "../support/eventually.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ample, type NodeClient, TestNode } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const web1 = "registry.example/web:v1";
const shop = { name: "shop", active: true, components: [{ name: "web", image: web1 }] };

async function startNode(): Promise<TestNode> {
  const node = await TestNode.start();
  node.runtime.publish(web1);
  return node;
}

/** "Method by caller of service: OUTCOME", oldest first. */
function brief(entries: readonly Pick<WireEntry, "method" | "caller" | "service" | "outcome">[]) {
  return entries.map(({ method, caller, service, outcome }) =>
    `${method} by ${caller || "nobody known"} of ${service || "the node"}: ${outcome}`
  ).reverse();
}

async function audited(client: NodeClient): Promise<string[]> {
  return brief((await client.listAudit({}, ample)).entries);
}

function viewerOf(node: TestNode): string {
  using registry = node.openRegistry();
  return createToken(registry, {
    subject: "bob",
    role: "viewer",
    lifetimeMs: 60_000_000,
    now: node.clock.now(),
  }).token;
}

Deno.test("every call is in the audit: who, what, about which service, and how it ended", async () => {
  await using node = await startNode();
  const client = node.client();
  await client.deploy({ service: shop }, ample);
  await client.listServices({}, ample);
  await rejects(client.stopService({ name: "nobody" }, ample));
  await rejects(client.stopService({ name: "--all" }, ample));
  await client.stopService({ name: "shop" }, ample);
  await rejects(client.pullFile({ service: "shop", path: "../mcp.db" }, ample));
  await rejects(node.client(viewerOf(node)).deploy({ service: shop }, ample));
  await rejects(node.client(null).deploy({ service: shop }, ample));
  await rejects(node.client("mcp_nobody-made-this").listServices({}, ample));
  deepStrictEqual(await audited(client), [
    "Deploy by admin of shop: OK",
    "ListServices by admin of the node: OK",
    "StopService by admin of nobody: NOT_FOUND",
    "StopService by admin of --all: INVALID_ARGUMENT",
    "StopService by admin of shop: OK",
    "PullFile by admin of shop: INVALID_ARGUMENT",
    "Deploy by bob of shop: PERMISSION_DENIED",
    "Deploy by nobody known of shop: UNAUTHENTICATED",
    "ListServices by nobody known of the node: UNAUTHENTICATED",
  ]);
  // It is in there itself, once it was answered.
  strictEqual((await audited(client)).at(-1), "ListAudit by admin of the node: OK");
});

Deno.test("the audit tells when a call began and from where", async () => {
  await using node = await startNode();
  const client = node.client();
  const began = node.clock.now();
  await client.deploy({ service: shop }, ample);
  const [deploy] = (await client.listAudit({}, ample)).entries;
  ok(deploy?.timestamp !== undefined);
  deepStrictEqual(timestampDate(deploy.timestamp), began);
  match(deploy.peer, /^(127\.0\.0\.1|\[?::(ffff:127\.0\.0\.1|1)\]?):\d+$/);
  // As long as the settle window of the fake clock at least.
  ok(deploy.durationMs >= 3_000, `${deploy.durationMs}`);
});

Deno.test("a token is nowhere in the registry, whatever became of its call", async () => {
  await using node = await startNode();
  const wrong = "mcp_nobody-made-this";
  await node.client().listServices({}, ample);
  await rejects(node.client(wrong).deploy({ service: shop }, ample));
  await node.stop();
  for (const file of ["mcp.db", "mcp.db-wal"]) {
    const bytes = await Deno.readFile(`${node.folder}/${file}`).catch(() => new Uint8Array());
    const text = new TextDecoder("latin1").decode(bytes);
    for (const token of [wrong, node.adminToken]) ok(!text.includes(token), file);
  }
});

Deno.test("ListAudit answers with the latest, from a time on, as many as asked for", async () => {
  await using node = await startNode();
  const client = node.client();
  for (let call = 0; call < 105; call++) {
    await client.listServices({}, ample);
    await node.clock.advance(1_000);
  }
  const { entries } = await client.listAudit({}, ample);
  strictEqual(entries.length, 100);
  strictEqual((await client.listAudit({ limit: 2 }, ample)).entries.length, 2);
  const since = timestampFromDate(new Date(node.clock.now().getTime() - 3_000));
  const { entries: latest } = await client.listAudit({ since }, ample);
  deepStrictEqual(
    brief(latest).slice(0, 3),
    Array(3).fill("ListServices by admin of the node: OK"),
  );
  strictEqual(brief(latest).filter((line) => line.startsWith("ListServices")).length, 3);
});

Deno.test("what changes something is in the registry before it is answered", async () => {
  await using node = await startNode();
  await node.client().deploy({ service: shop }, ample);
  using registry = node.openRegistry();
  deepStrictEqual(recentAudit(registry, { limit: 10 }).map(({ method }) => method), ["Deploy"]);
});

Deno.test("what only reads is in the registry when the agent has stopped", async () => {
  await using node = await startNode();
  const client = node.client();
  for (let call = 0; call < 7; call++) await client.listServices({}, ample);
  await node.stop();
  using registry = Registry.open(node.registryPath);
  strictEqual(recentAudit(registry, { limit: 10 }).length, 7);
});

Deno.test("the audit of an agent that could not write it is in the log, and its calls are answered", async () => {
  await using logs = await QuietLogs.start();
  await using node = await startNode();
  {
    using registry = node.openRegistry();
    registry.run("ALTER TABLE audit RENAME TO gone");
  }
  const { results } = await node.client().deploy({ service: shop }, ample);
  deepStrictEqual(results.map(({ error }) => error), [""]);
  await eventually("the log tells of it", () =>
    Promise.resolve(
      logs.messages("mcp.audit").some((message) => /^Cannot keep 1 audit entries/.test(message)) ||
        undefined,
    ));
  ok(logs.messages("mcp.audit").some((message) => message.startsWith("Deploy by admin")));
});

// --- The way into the registry ---

function entry(method: string): AuditEntry {
  return {
    method,
    caller: "ada",
    peer: "127.0.0.1:1",
    service: "",
    at: new Date("2030-01-01T12:00:00Z"),
    outcome: "OK",
    reason: "",
    durationMs: 1.6,
  };
}

async function inRegistry(prove: (registry: Registry) => void | Promise<void>): Promise<void> {
  await using folder = await ThrowAwayFolder.make();
  using registry = Registry.open(folder.at("mcp.db"));
  await prove(registry);
}

function kept(registry: Registry): string {
  return recentAudit(registry, { limit: 2_000 }).map(({ method }) => method).reverse().join(" ");
}

Deno.test("AuditTrail brings what must be kept now in at once, with what was gathered before", () =>
  inRegistry((registry) => {
    using trail = new AuditTrail(registry);
    trail.add(entry("one"), { now: false });
    strictEqual(kept(registry), "");
    trail.add(entry("two"), { now: true });
    strictEqual(kept(registry), "one two");
    deepStrictEqual(recentAudit(registry, { limit: 1 })[0], { ...entry("two"), durationMs: 2 });
  }));

Deno.test("AuditTrail brings what was gathered in by itself, after a moment", () =>
  inRegistry(async (registry) => {
    using trail = new AuditTrail(registry);
    trail.add(entry("one"), { now: false });
    await eventually("it is kept", () => Promise.resolve(kept(registry) || undefined));
  }));

Deno.test("AuditTrail brings five hundred in without waiting", () =>
  inRegistry((registry) => {
    using trail = new AuditTrail(registry);
    for (let call = 0; call < 500; call++) trail.add(entry(`${call}`), { now: false });
    strictEqual(kept(registry).split(" ").length, 500);
  }));

Deno.test("AuditTrail brings the last ones in when it is disposed of", () =>
  inRegistry((registry) => {
    {
      using trail = new AuditTrail(registry);
      trail.add(entry("one"), { now: false });
    }
    strictEqual(kept(registry), "one");
  }));
