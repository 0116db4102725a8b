import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { deepStrictEqual, doesNotMatch, match, ok, rejects, strictEqual } from "node:assert/strict";
import { startNode } from "../../agent/assemble.ts";
import { createToken } from "../../agent/door/auth/local.ts";
import { revokeToken } from "../../agent/registry/tokens.ts";
import { errorChain, type ErrorKind, McpError } from "../../lib/errors.ts";
import { connect } from "../../lib/rpc/client.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";
import { realFiles } from "../../lib/system/files.ts";
import {
  type ComponentSpecSchema,
  McpAgent,
  type ServiceSpecSchema,
} from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MciasServer } from "../support/mcias_server.ts";
import { MemoryRuntime } from "../support/memory_runtime.ts";
import { type LogEntry, QuietLogs } from "../support/quiet_logs.ts";
import { ample, makeTestNode, type NodeClient, TestNode } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

type WireComponent = MessageInitShape<typeof ComponentSpecSchema>;
type WireService = MessageInitShape<typeof ServiceSpecSchema>;

const web1 = "registry.example/web:v1";
const web2 = "registry.example/web:v2";
const api1 = "registry.example/api:v1";

const shop: WireService = {
  name: "shop",
  active: true,
  components: [{ name: "web", image: web1 }, { name: "api", image: api1 }],
};

/** Every RPC with a request that asks for nothing in particular. */
const rpcs: Readonly<
  Record<keyof typeof McpAgent.method, (client: NodeClient) => Promise<unknown>>
> = {
  deploy: (client) => client.deploy({ service: shop }, ample),
  planDeploy: (client) => client.planDeploy({ service: shop }, ample),
  rollOut: async (client) => {
    for await (const _event of client.rollOut({ service: shop }, ample)) continue;
  },
  attachRollOut: async (client) => {
    for await (const _event of client.attachRollOut({ service: "shop" }, ample)) continue;
  },
  stopService: (client) => client.stopService({ name: "shop" }, ample),
  startService: (client) => client.startService({ name: "shop" }, ample),
  restartService: (client) => client.restartService({ name: "shop" }, ample),
  syncDesiredState: (client) => client.syncDesiredState({ services: [shop] }, ample),
  listServices: (client) => client.listServices({}, ample),
  getServiceStatus: (client) => client.getServiceStatus({}, ample),
  liveCheck: (client) => client.liveCheck({}, ample),
  getServiceSpec: (client) => client.getServiceSpec({ name: "shop" }, ample),
  adoptContainer: (client) => client.adoptContainer({ service: "shop" }, ample),
  pushFile: (client) =>
    client.pushFile({ service: "shop", path: "a", content: new Uint8Array([1]) }, ample),
  pullFile: (client) => client.pullFile({ service: "shop", path: "a" }, ample),
  nodeStatus: (client) => client.nodeStatus({}, ample),
  listRevisions: (client) => client.listRevisions({ service: "shop" }, ample),
  getRevision: (client) => client.getRevision({ service: "shop", number: 1 }, ample),
  pruneImages: (client) => client.pruneImages({}, ample),
  streamLogs: async (client) => {
    for await (const _lines of client.streamLogs({ service: "shop" }, ample)) continue;
  },
  diagnose: (client) => client.diagnose({}, ample),
  listEvents: (client) => client.listEvents({}, ample),
  removeService: (client) => client.removeService({ name: "shop" }, ample),
  listAudit: (client) => client.listAudit({}, ample),
  // Last: a stream is over when its caller has left, which is told a moment later.
  watchEvents: async (client) => {
    // From the first event on: there is one to wait for.
    const since = timestampFromDate(new Date(0));
    for await (const _event of client.watchEvents({ since }, ample)) return;
  },
};

function wireNameOf(name: string): string {
  return `${name[0]?.toUpperCase()}${name.slice(1)}`;
}

async function startWithImages(config = ""): Promise<TestNode> {
  const clock = new FakeClock({ autoAdvance: true });
  const runtime = new MemoryRuntime({ clock, images: [web1, web2, api1] });
  return await TestNode.start({ clock, runtime, config });
}

async function refusalOf(call: Promise<unknown>, kind: ErrorKind): Promise<McpError> {
  let refusal: unknown;
  await rejects(call, (error) => (refusal = error, true));
  ok(refusal instanceof McpError, Deno.inspect(refusal));
  strictEqual(refusal.kind, kind, errorChain(refusal));
  return refusal;
}

/** The part of an audit line that does not depend on the machine. */
function auditOf({ method, caller, peer, outcome, durationMs, at, level }: LogEntry): string {
  match(String(peer), /^(127\.0\.0\.1|\[?::(ffff:127\.0\.0\.1|1)\]?):\d+$/);
  ok(typeof durationMs === "number" && durationMs >= 0, String(durationMs));
  ok(!Number.isNaN(Date.parse(String(at))), String(at));
  strictEqual(level, "INFO");
  return `${method} by ${caller}: ${outcome}`;
}

// --- Who gets in ---

interface Refused {
  readonly given: string;
  /** The token to be sent; `null` sends none. */
  readonly token: (node: TestNode) => string | null | Promise<string | null>;
  readonly kind: "unauthenticated" | "forbidden";
  readonly message: RegExp;
  readonly hint: RegExp;
  readonly caller?: string;
}

function tokenOf(node: TestNode, role: string) {
  using registry = node.openRegistry();
  return createToken(registry, {
    subject: "bob",
    role,
    lifetimeMs: 60_000,
    now: node.clock.now(),
  });
}

const refused: readonly Refused[] = [
  {
    given: "no token",
    token: () => null,
    kind: "unauthenticated",
    message: /^The call brings no token$/,
    hint: /^Run `mcp login`$/,
  },
  {
    given: "a malformed token",
    token: () => "two words",
    kind: "unauthenticated",
    message: /^The call brings a malformed token$/,
    hint: /^Run `mcp login`$/,
  },
  {
    given: "a token of more than 16 KiB",
    token: () => "t".repeat(16_385),
    kind: "unauthenticated",
    message: /^The call brings a malformed token$/,
    hint: /^Run `mcp login`$/,
  },
  {
    given: "a token that nobody made",
    token: () => "mcp_nobody-made-this",
    kind: "unauthenticated",
    message: /^The token is not known to this node$/,
    hint: /^Make a new one on the node with `mcp-agent token create`/,
  },
  {
    given: "a token that has expired",
    token: async (node) => {
      const { token } = tokenOf(node, "admin");
      await node.clock.advance(60_000);
      return token;
    },
    kind: "unauthenticated",
    message: /^The token expired at 2030-/,
    hint: /^Make a new one/,
  },
  {
    given: "a token that was revoked",
    token: (node) => {
      const { token, record } = tokenOf(node, "admin");
      using registry = node.openRegistry();
      ok(revokeToken(registry, record.id, node.clock.now()));
      return token;
    },
    kind: "unauthenticated",
    message: /^The token was revoked$/,
    hint: /^Make a new one/,
  },
  {
    given: "a token without the role admin",
    token: (node) => tokenOf(node, "viewer").token,
    kind: "forbidden",
    message: /^"bob" may not service:read on this node$/,
    hint: /^Log in as somebody with the role admin$/,
    caller: "bob",
  },
];
for (const { given, token: tokenFor, kind, message, hint, caller = "nobody known" } of refused) {
  Deno.test(`a call with ${given} is refused as ${kind}, and audited without its token`, async () => {
    await using logs = await QuietLogs.start();
    await using node = await startWithImages();
    const token = await tokenFor(node);
    const client = node.client(token);
    const refusal = await refusalOf(client.listServices({}, ample), kind);
    match(refusal.message, message);
    match(refusal.hint ?? "", hint);
    const status = kind === "forbidden" ? "PERMISSION_DENIED" : "UNAUTHENTICATED";
    deepStrictEqual(logs.entries("mcp.audit").map(auditOf), [
      `ListServices by ${caller}: ${status}`,
    ]);
    if (token !== null) {
      for (const told of [logs.text, Deno.inspect(refusal)]) ok(!told.includes(token));
    }
  });
}

Deno.test("no RPC answers a call without a token, nor one without the role admin", async () => {
  await using logs = await QuietLogs.start();
  await using node = await startWithImages();
  const viewer = node.client(tokenOf(node, "viewer").token);
  const nobody = node.client(null);
  node.runtime.calls.length = 0;
  for (const call of Object.values(rpcs)) {
    await refusalOf(call(nobody), "unauthenticated");
    await refusalOf(call(viewer), "forbidden");
  }
  deepStrictEqual(node.runtime.calls, []);
  const audited = logs.entries("mcp.audit").map(auditOf);
  deepStrictEqual(
    audited,
    Object.keys(rpcs).map(wireNameOf).flatMap((name) => [
      `${name} by nobody known: UNAUTHENTICATED`,
      `${name} by bob: PERMISSION_DENIED`,
    ]),
  );
  strictEqual(audited.length, 2 * McpAgent.methods.length);
});

Deno.test("a token that is revoked beside the agent is refused once its answer is 30 s old", async () => {
  await using node = await startWithImages();
  const { token, record } = tokenOf(node, "admin");
  const client = node.client(token);
  await client.listServices({}, ample);
  {
    using registry = node.openRegistry();
    revokeToken(registry, record.id, node.clock.now());
  }
  await client.listServices({}, ample);
  await node.clock.advance(30_000);
  await refusalOf(client.listServices({}, ample), "unauthenticated");
});

// --- What is answered ---

Deno.test("every RPC answers an admin", async () => {
  await using logs = await QuietLogs.start();
  await using node = await startWithImages();
  const client = node.client();
  // One to adopt.
  await node.runtime.runByHand("shop-legacy");
  const expected: string[] = [];
  for (const [name, call] of Object.entries(rpcs)) {
    await call(client);
    expected.push(`${wireNameOf(name)} by admin: OK`);
  }
  const audited = await eventually("the last call's audit line", () => {
    const lines = logs.entries("mcp.audit").map(auditOf);
    return Promise.resolve(lines.length < expected.length ? undefined : lines);
  });
  deepStrictEqual(audited, expected);
  doesNotMatch(logs.text, new RegExp(node.adminToken));
});

Deno.test("Deploy answers per component, with the revision", async () => {
  await using node = await startWithImages();
  node.runtime.publish(api1, { exit: { code: 3, afterMs: 100 }, log: ["no config"] });
  const { revision, results } = await node.client().deploy({
    service: {
      ...shop,
      components: [{ name: "web", image: web1 }, { name: "api", image: api1, restart: "no" }],
    },
  }, ample);
  strictEqual(revision, 1);
  deepStrictEqual(
    results.map(({ name, success, error, summary, logTail }) => ({
      name,
      success,
      error,
      summary,
      logTail,
    })),
    [
      { name: "web", success: true, error: "", summary: "created v1", logTail: [] },
      {
        name: "api",
        success: false,
        error: 'Container "shop-api" did not stay up: it ended with exit code 3',
        summary: "",
        logTail: ["no config"],
      },
    ],
  );
});

Deno.test("Deploy of one component moves that one", async () => {
  await using node = await startWithImages();
  const { results } = await node.client().deploy({ service: shop, component: "api" }, ample);
  deepStrictEqual(results.map(({ name }) => name), ["api"]);
  deepStrictEqual(node.runtime.containers, ["shop-api running"]);
});

Deno.test("StopService, StartService and RestartService answer per component", async () => {
  await using node = await startWithImages();
  const client = node.client();
  await client.deploy({ service: shop }, ample);
  const summaries = ({ results }: { readonly results: readonly { summary: string }[] }) =>
    results.map(({ summary }) => summary);
  deepStrictEqual(
    [
      summaries(await client.restartService({ name: "shop" }, ample)),
      summaries(await client.stopService({ name: "shop" }, ample)),
      summaries(await client.stopService({ name: "shop" }, ample)),
      summaries(await client.startService({ name: "shop" }, ample)),
    ],
    [
      ["restarted", "restarted"],
      ["stopped", "stopped"],
      ["already stopped", "already stopped"],
      ["started", "started"],
    ],
  );
});

for (
  const [name, states] of [
    ["GetServiceStatus", async (client: NodeClient) => {
      const { services } = await client.getServiceStatus({ name: "shop" }, ample);
      return services.flatMap(({ components }) => components.map((each) => each.observedState));
    }],
    ["LiveCheck", async (client: NodeClient) => {
      const { services } = await client.liveCheck({}, ample);
      return services.flatMap(({ components }) => components.map((each) => each.observedState));
    }],
  ] as const
) {
  Deno.test(`${name} tells of what happened before it was asked, whoever looks meanwhile`, async () => {
    await using node = await startWithImages();
    const client = node.client();
    await client.deploy({ service: shop }, ample);
    // Somebody else's look has its listing, and is not done with it.
    const hold = node.runtime.hold("list", { afterwards: true, times: 1 });
    const theirs = states(client);
    await hold.reached;
    node.runtime.crash("shop-web", 1);
    node.runtime.stopByHand("shop-web");
    const ours = states(client);
    // Time to arrive while the other look is still under way.
    await new Promise((resolve) => setTimeout(resolve, 200));
    hold.release();
    deepStrictEqual(await ours, ["exited", "running"]);
    await theirs;
  });
}

Deno.test("ListServices, LiveCheck and GetServiceStatus tell the same of a node at rest", async () => {
  await using node = await startWithImages();
  const client = node.client();
  await client.deploy({ service: shop }, ample);
  const { services: live } = await client.liveCheck({}, ample);
  const { services: listed } = await client.listServices({}, ample);
  const status = await client.getServiceStatus({ name: "shop" }, ample);
  deepStrictEqual(listed, live);
  deepStrictEqual(status.services, live);
  deepStrictEqual([status.drift, status.runtimeError], [[], ""]);
  deepStrictEqual(
    live.flatMap(({ name, active, components }) =>
      components.map((component) => [
        `${name}/${component.name}`,
        active,
        component.image,
        component.desiredState,
        component.observedState,
        component.version,
        component.container,
        component.started !== undefined && component.observedAt !== undefined,
        component.exitCode,
      ])
    ),
    [
      ["shop/web", true, web1, "running", "running", "v1", "shop-web", true, undefined],
      ["shop/api", true, api1, "running", "running", "v1", "shop-api", true, undefined],
    ],
  );
  deepStrictEqual(
    status.recentEvents.map((event) =>
      `${event.component} ${event.prevState} to ${event.newState}: ${event.cause}`
    ).sort(),
    ["api unknown to running: deploy by admin", "web unknown to running: deploy by admin"],
  );
});

Deno.test("GetServiceStatus looks, and tells drift and the exit code", async () => {
  await using node = await startWithImages();
  const client = node.client();
  await client.deploy({
    service: {
      name: "shop",
      active: true,
      components: [{ name: "web", image: web1, restart: "no" }],
    },
  }, ample);
  node.runtime.crash("shop-web", 137);
  const status = await client.getServiceStatus({}, ample);
  deepStrictEqual(
    status.drift.map((drift) => [
      drift.service,
      drift.component,
      drift.desiredState,
      drift.observedState,
    ]),
    [["shop", "web", "running", "exited"]],
  );
  const [web] = status.services[0]?.components ?? [];
  deepStrictEqual([web?.exitCode, web?.started], [137, undefined]);
  strictEqual(status.recentEvents[0]?.cause, "exit code 137 (SIGKILL)");
});

Deno.test("GetServiceStatus tells of a found container whose name no service could have", async () => {
  await using node = await startWithImages();
  await node.runtime.runByHand("My_db.1");
  const { services } = await node.client().getServiceStatus({ name: "My_db.1" }, ample);
  deepStrictEqual(
    services.flatMap(({ components }) => components)
      .map(({ name, desiredState, observedState }) => [name, desiredState, observedState]),
    [["My_db.1", "ignore", "running"]],
  );
});

Deno.test("GetServiceSpec tells apart what is declared and what is deployed", async () => {
  await using node = await startWithImages();
  const client = node.client();
  await client.deploy({ service: shop }, ample);
  const next = {
    name: "shop",
    active: true,
    components: [
      { name: "web", image: "registry.example/missing:v9", cmd: ["new"] },
      { name: "api", image: api1 },
    ],
  };
  await client.deploy({ service: next }, ample);
  const { declared, deployed } = await client.getServiceSpec({ name: "shop" }, ample);
  deepStrictEqual(
    [declared, deployed].map((spec) => spec?.components.map(({ image, cmd }) => [image, ...cmd])),
    [[["registry.example/missing:v9", "new"], [api1]], [[web1], [api1]]],
  );
  strictEqual(declared?.components[0]?.restart, "unless-stopped");
});

Deno.test("NodeStatus tells of the machine and how much runs on it", async () => {
  await using node = await startWithImages();
  const client = node.client();
  await client.deploy({ service: shop }, ample);
  const status = await client.nodeStatus({}, ample);
  deepStrictEqual(
    [
      status.nodeName,
      status.runtime,
      status.runtimeVersion,
      status.runtimeError,
      status.serviceCount,
      status.componentCount,
    ],
    ["rift", "podman", "4.3.1", "", 1, 2],
  );
  ok(status.diskTotalBytes >= status.diskFreeBytes && status.diskTotalBytes > 0n);
  ok(status.memoryTotalBytes >= status.memoryFreeBytes && status.memoryTotalBytes > 0n);
  ok(status.cpuUsagePercent >= 0 && status.cpuUsagePercent <= 100);
  match(status.agentVersion, /^\d+\.\d+\.\d+/);
});

for (
  const [name, call] of [
    ["StopService", (client: NodeClient, name: string) => client.stopService({ name }, ample)],
    ["StartService", (client: NodeClient, name: string) => client.startService({ name }, ample)],
    [
      "RestartService",
      (client: NodeClient, name: string) => client.restartService({ name }, ample),
    ],
    [
      "GetServiceSpec",
      (client: NodeClient, name: string) => client.getServiceSpec({ name }, ample),
    ],
    [
      "GetServiceStatus",
      (client: NodeClient, name: string) => client.getServiceStatus({ name }, ample),
    ],
  ] as const
) {
  Deno.test(`${name} refuses a service that is not there, and a name that is none`, async () => {
    await using node = await startWithImages();
    const client = node.client();
    strictEqual(
      (await refusalOf(call(client, "nobody"), "not_found")).message,
      'There is no service "nobody" on this node',
    );
    for (const wrong of ["-x", "A", "a/b", "..", "a\nb"]) {
      const refusal = await refusalOf(call(client, wrong), "invalid");
      strictEqual(refusal.message, `Cannot use ${JSON.stringify(wrong)} as a service name`);
    }
  });
}

// --- What is refused before anything moves ---

const web: WireComponent = { name: "web", image: web1 };
const badSpecs: readonly (readonly [string, WireService | undefined, readonly RegExp[]])[] = [
  ["no service", undefined, []],
  ["a service without a name", { components: [web] }, [/^name: expected a service name/]],
  ["no components", { name: "shop" }, [/^components: expected at least one component/]],
  [
    "a flag as an image",
    { name: "shop", components: [{ name: "web", image: "--privileged" }] },
    [/^components\[0\]\.image: expected an image .*, found "--privileged"$/],
  ],
  [
    "flags wherever a text can be",
    {
      name: "--shop",
      components: [{
        name: "-w",
        image: "-v",
        network: "--network=host",
        user: "-u",
        restart: "--rm",
        ports: ["-p"],
        volumes: ["--volume=/:/host"],
      }],
    },
    [
      /^name: .*"--shop"$/,
      /\.name: .*"-w"$/,
      /\.image: .*"-v"$/,
      /\.network: .*"--network=host"$/,
      /\.user: .*"-u"$/,
      /\.restart: .*"--rm"$/,
      /\.ports\[0\]: .*"-p"$/,
      /\.volumes\[0\]: .*"--volume=\/:\/host"$/,
    ],
  ],
  [
    "a network that joins another container",
    { name: "shop", components: [{ ...web, network: "container:mail" }] },
    [/\.network: /],
  ],
  [
    "a component twice",
    { name: "shop", components: [web, { name: "web", image: web2 }] },
    [/^components\[1\]\.name: expected a name of its own, found "web" again/],
  ],
  [
    "names that are none",
    { name: "Shop", components: [{ name: "a_b", image: web1 }, { name: "..", image: web1 }] },
    [/^name: /, /^components\[0\]\.name: /, /^components\[1\]\.name: /],
  ],
  [
    "a volume that leaves its folder",
    { name: "shop", components: [{ ...web, volumes: ["/srv/shop/../mail:/data"] }] },
    [/\.volumes\[0\]: /],
  ],
  [
    "one host port for two components",
    {
      name: "shop",
      components: [{ ...web, ports: ["80:80"] }, { name: "api", image: api1, ports: ["80:81"] }],
    },
    [/^components\[1\]\.ports\[0\]: expected a host port of its own/],
  ],
];
for (const [given, service, details] of badSpecs) {
  Deno.test(`Deploy of a spec with ${given} is refused whole, and nothing is recorded`, async () => {
    await using node = await startWithImages();
    const client = node.client();
    node.runtime.calls.length = 0;
    const request = service === undefined ? {} : { service };
    const refusal = await refusalOf(client.deploy(request, ample), "invalid");
    strictEqual(refusal.details.length, details.length, refusal.details.join("\n"));
    for (const [at, pattern] of details.entries()) match(refusal.details[at] ?? "", pattern);
    deepStrictEqual(node.runtime.calls, []);
    deepStrictEqual((await client.listServices({}, ample)).services, []);
  });
}

Deno.test("Deploy of a component that the spec does not have tells those it has", async () => {
  await using node = await startWithImages();
  const client = node.client();
  const deploying = client.deploy({ service: shop, component: "wbe" }, ample);
  const refusal = await refusalOf(deploying, "invalid");
  strictEqual(refusal.message, 'Cannot deploy "shop/wbe": the spec has no such component');
  strictEqual(refusal.hint, "Its components are web, api");
  deepStrictEqual((await client.listServices({}, ample)).services, []);
});

Deno.test("Deploy over a container of another service is refused, and nothing is changed", async () => {
  await using node = await startWithImages();
  const client = node.client();
  const theirs = { name: "a-b", active: true, components: [{ name: "c", image: web1 }] };
  await client.deploy({ service: theirs }, ample);
  const before = await client.listServices({}, ample);
  const mine = { name: "a", active: true, components: [{ name: "b-c", image: web2 }] };
  const refusal = await refusalOf(client.deploy({ service: mine }, ample), "conflict");
  match(refusal.message, /its container "a-b-c" belongs to a-b\/c$/);
  deepStrictEqual(await client.listServices({}, ample), before);
  deepStrictEqual(node.runtime.containers, ["a-b-c running"]);
});

Deno.test("Deploy over a container that nobody manages is refused, and nothing is changed", async () => {
  await using node = await startWithImages();
  const client = node.client();
  await node.runtime.runByHand("shop-api");
  node.runtime.calls.length = 0;
  const refusal = await refusalOf(client.deploy({ service: shop }, ample), "conflict");
  match(refusal.message, /a container "shop-api" exists that MCP did not create$/);
  match(refusal.hint ?? "", /^Run `mcp adopt shop`/);
  deepStrictEqual(node.runtime.calls, ["list"]);
  deepStrictEqual(node.runtime.containers, ["shop-api running"]);
  deepStrictEqual((await client.listServices({}, ample)).services, []);
});

Deno.test("what podman says cannot break a line of the log", async () => {
  await using logs = await QuietLogs.start();
  await using node = await startWithImages();
  node.runtime.fail("list", new McpError("unavailable", 'line one\n{"outcome":"OK"}\u001b[2J'));
  await refusalOf(node.client().liveCheck({}, ample), "unavailable");
  strictEqual(logs.entries("mcp.audit").length, 1);
  strictEqual(logs.entries("mcp.audit")[0]?.["outcome"], "UNAVAILABLE");
});

// --- When podman cannot be asked ---

Deno.test("a node whose podman cannot be asked serves, and shows no state it has not seen", async () => {
  await using node = await startWithImages();
  const client = node.client();
  await client.deploy({ service: shop }, ample);
  node.runtime.fail("list");
  node.runtime.fail("version");
  const status = await client.getServiceStatus({}, ample);
  strictEqual(status.runtimeError, "Cannot list: podman is out of order");
  deepStrictEqual(status.drift, []);
  deepStrictEqual(
    status.services[0]?.components.map((component) => [
      component.observedState,
      component.lastObservedState,
      component.started,
      component.observedAt !== undefined,
    ]),
    [["unknown", "running", undefined, true], ["unknown", "running", undefined, true]],
  );
  const { services } = await client.listServices({}, ample);
  strictEqual(services[0]?.components[0]?.observedState, "running");
  await refusalOf(client.liveCheck({}, ample), "unavailable");
  const { runtimeVersion, runtimeError } = await client.nodeStatus({}, ample);
  deepStrictEqual([runtimeVersion, runtimeError], ["", "Cannot version: podman is out of order"]);
});

Deno.test("an agent that starts before podman does serves, and works once podman is there", async () => {
  const clock = new FakeClock({ autoAdvance: true });
  const runtime = new MemoryRuntime({ clock, images: [web1, api1] });
  runtime.fail("list");
  await using logs = await QuietLogs.start();
  await using node = await TestNode.start({ clock, runtime });
  match(logs.messages("mcp.agent").join("\n"), /^Serving without having seen the containers: /);
  const client = node.client();
  await refusalOf(client.deploy({ service: shop }, ample), "unavailable");
  runtime.heal();
  const { results } = await client.deploy({ service: shop }, ample);
  ok(results.every(({ success }) => success));
});

// --- Callers that go away, agents that stop ---

Deno.test("a rollout goes on when its caller goes away", async () => {
  await using node = await startWithImages();
  const client = node.client();
  const gone = new AbortController();
  const pull = node.runtime.hold("pull");
  const deploying = client.deploy({ service: shop }, { ...ample, signal: gone.signal });
  await pull.reached;
  gone.abort();
  await refusalOf(deploying, "unavailable");
  pull.release();
  await node.stop();
  deepStrictEqual(node.runtime.containers, ["shop-api running", "shop-web running"]);
  using registry = node.openRegistry();
  strictEqual(registry.get("SELECT outcome FROM revisions")?.["outcome"], "succeeded");
});

Deno.test("an agent that is told to stop lets a rollout finish", async () => {
  await using node = await startWithImages();
  const client = node.client();
  const pull = node.runtime.hold("pull");
  const deploying = client.deploy({ service: shop }, ample).catch((error) => error);
  await pull.reached;
  const stopped = node.stop();
  pull.release();
  await stopped;
  await deploying;
  deepStrictEqual(node.runtime.containers, ["shop-api running", "shop-web running"]);
});

Deno.test("an agent that must end now leaves its rollout to the one that starts next", async () => {
  await using folder = await ThrowAwayFolder.make();
  const clock = new FakeClock({ autoAdvance: true });
  const runtime = new MemoryRuntime({ clock, images: [web1, web2, api1] });
  const options = {
    clock,
    runtime,
    folder: folder.path,
    config: '[rollout]\ndrain_timeout = "0s"',
  };
  const one: WireService = { name: "shop", active: true, components: [web] };
  const two: WireService = { ...one, components: [{ name: "web", image: web2 }] };
  {
    await using node = await TestNode.start(options);
    const client = node.client();
    await client.deploy({ service: one }, ample);
    const hanging = runtime.hang("run");
    const deploying = client.deploy({ service: two }, ample).catch((error) => error);
    await hanging;
    await node.stop();
    await deploying;
    deepStrictEqual(runtime.containers, ["shop-web.previous exited"]);
  }
  runtime.heal();
  await using node = await TestNode.start(options);
  deepStrictEqual(runtime.containers, ["shop-web running"]);
  const { services } = await node.client().listServices({}, ample);
  deepStrictEqual(
    services[0]?.components.map(({ image, version, observedState }) => [
      image,
      version,
      observedState,
    ]),
    [[web1, "v1", "running"]],
  );
});

// --- MCIAS as the provider ---

/** A node that asks MCIAS who its callers are, and a way to call it. */
async function withMcias(
  test: (parts: {
    readonly mcias: MciasServer;
    readonly clock: FakeClock;
    readonly runtime: MemoryRuntime;
    readonly call: (
      token: string,
      rpc?: (client: NodeClient) => Promise<unknown>,
    ) => Promise<unknown>;
    /** Stops the agent before the test is over. */
    readonly stop: () => Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  await using folder = await ThrowAwayFolder.make();
  const clock = new FakeClock({ autoAdvance: true });
  const runtime = new MemoryRuntime({ clock, images: [web1, api1] });
  await using mcias = await MciasServer.start({ now: () => clock.now() });
  const { config, ca } = await makeTestNode(folder.path, clock);
  const caFile = folder.at("mcias.pem");
  await Deno.writeTextFile(caFile, mcias.ca);
  const node = await startNode(
    {
      ...config,
      auth: { provider: "mcias", serverUrl: mcias.url, caFile, serviceName: "mcp-agent" },
    },
    { clock, exec: realExec, follow: realFollow, files: realFiles, uptimeMs: () => 0 },
    { runtime, monitors: false },
  );
  let stopped: Promise<void> | undefined;
  const stop = () => stopped ??= node.stop();
  const call = async (
    token: string,
    rpc: (client: NodeClient) => Promise<unknown> = rpcs.listServices,
  ) => {
    const client = connect({ service: McpAgent, address: `127.0.0.1:${node.port}`, ca, token });
    try {
      return await rpc(client);
    } finally {
      client.close();
    }
  };
  try {
    await test({ mcias, clock, runtime, call, stop });
  } finally {
    await stop();
  }
}

Deno.test("an admin of MCIAS gets in, and MCIAS is asked once in 30 s", () =>
  withMcias(async ({ mcias, clock, call }) => {
    const token = mcias.issue("ada", ["viewer", "admin"]);
    await call(token);
    await clock.advance(29_999);
    await call(token);
    strictEqual(mcias.callsTo("/v1/token/validate"), 1);
    await clock.advance(1);
    await call(token);
    strictEqual(mcias.callsTo("/v1/token/validate"), 2);
  }));

Deno.test("somebody whom MCIAS knows without the role admin does not get in", () =>
  withMcias(async ({ mcias, call }) => {
    const refusal = await refusalOf(call(mcias.issue("bob", ["viewer"])), "forbidden");
    match(refusal.message, /^"bob" may not service:read/);
  }));

Deno.test("a token that MCIAS does not accept does not get in", () =>
  withMcias(async ({ mcias, call }) => {
    const token = mcias.issue("ada", ["admin"]);
    mcias.revoke(token);
    for (const wrong of [token, "made-up"]) {
      const refusal = await refusalOf(call(wrong), "unauthenticated");
      strictEqual(refusal.message, "MCIAS does not accept the token");
      strictEqual(refusal.hint, "Run `mcp login`");
    }
  }));

for (const mood of ["failing", "garbled"] as const) {
  Deno.test(`nobody gets in while MCIAS is ${mood}, but who was let in before`, () =>
    withMcias(async ({ mcias, clock, call }) => {
      const known = mcias.issue("ada", ["admin"]);
      const unknown = mcias.issue("eve", ["admin"]);
      await call(known);
      mcias.mood = mood;
      await call(known);
      await refusalOf(call(unknown), "unavailable");
      await clock.advance(30_000);
      await refusalOf(call(known), "unavailable");
    }));
}

Deno.test("nobody gets in while MCIAS is down, and no token is told", async () => {
  await using logs = await QuietLogs.start();
  await withMcias(async ({ mcias, call }) => {
    const token = mcias.issue("ada", ["admin"]);
    await mcias.goDown();
    const refusal = await refusalOf(call(token), "unavailable");
    match(refusal.message, /^Cannot validate a token at MCIAS \(https:\/\/localhost:\d+\)/);
    const [entry, ...rest] = logs.entries("mcp.audit");
    strictEqual(rest.length, 0);
    strictEqual(entry && auditOf(entry), "ListServices by nobody known: UNAVAILABLE");
    ok(!logs.text.includes(token));
    mcias.comeUp();
    await call(token);
  });
});

Deno.test("an agent that is told to stop waits for a call whose token is still being asked about", () =>
  withMcias(async ({ mcias, runtime, call, stop }) => {
    mcias.mood = "held";
    const deploying = call(mcias.issue("ada", ["admin"]), rpcs.deploy);
    await mcias.holding(1);
    const stopping = stop();
    mcias.release();
    await deploying;
    await stopping;
    deepStrictEqual(runtime.containers, ["shop-api running", "shop-web running"]);
  }));
