/** `mcp plan`, `deploy` and `rollback`: the plan, the question, the steps, and lost connections. */

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import {
  type ComponentPlanSchema,
  McpAgent,
  type RollOutResponseSchema,
} from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { deadNode, type Script, type ScriptedNode, startNode } from "../support/scripted_node.ts";
import { json, now, type Outcome, Workstation } from "../support/workstation.ts";

const definition = (active = true) =>
  `name = "hello"
node = "rift"
active = ${active}

[[components]]
name = "web"
image = "registry.example/web:v2"

[[components]]
name = "db"
image = "registry.example/db:v1"
`;

const planned: readonly MessageInitShape<typeof ComponentPlanSchema>[] = [
  {
    name: "web",
    action: "replace",
    differences: [
      { field: "image", deployed: "registry.example/web:v1", declared: "registry.example/web:v2" },
      { field: "env.TZ", deployed: "", declared: "UTC" },
    ],
    order: "stop-first",
    downtimeReason: "port 127.0.0.1:18080 is bound",
    lastDowntimeMs: 1_200,
    notes: ["the tag has moved since revision 3"],
  },
  { name: "db", action: "keep" },
];

const plans: Script = { planDeploy: () => ({ planId: "p1", components: [...planned] }) };
const nothingToDo: Script = {
  planDeploy: () => ({ planId: "p0", components: [{ name: "web", action: "keep" }] }),
};

type Event = MessageInitShape<typeof RollOutResponseSchema>;

/** The steps of a rollout that goes well. */
function events(operationId: string): Event[] {
  const at = (seconds: number) => timestampFromDate(new Date(now.getTime() + seconds * 1_000));
  const results = [
    { name: "web", success: true, verdict: "healthy", summary: "replaced v1 by v2" },
    { name: "db", success: true, verdict: "kept" },
  ];
  return [
    { kind: "begun", text: "", revision: 4, timestamp: at(0) },
    { kind: "step", component: "web", text: "pulling registry.example/web:v2", timestamp: at(0) },
    { kind: "progress", component: "web", text: "Copying blob 1", timestamp: at(1) },
    { kind: "probe", component: "web", text: "probe 1: connection refused", timestamp: at(2) },
    { kind: "component_ended", component: "db", result: results[1]!, timestamp: at(2) },
    { kind: "component_ended", component: "web", result: results[0]!, timestamp: at(3) },
    { kind: "ended", revision: 4, results, timestamp: at(4) },
  ].map((event, index) => ({ ...event, operationId, sequence: BigInt(index + 1) }));
}

const rollsOut: Script = {
  ...plans,
  rollOut: async ({ operationId }, _call, send) => {
    for (const event of events(operationId)) await send(event);
  },
};

async function withNode(
  script: Script,
  test: (parts: { readonly home: Workstation; readonly rift: ScriptedNode }) => Promise<void>,
): Promise<void> {
  await using home = new Workstation();
  await using rift = await startNode("rift", script);
  await home.know(rift);
  await home.write("services/hello.toml", definition());
  await test({ home, rift });
}

function requestOf<Name extends "rollOut" | "planDeploy" | "attachRollOut">(
  { calls, requests }: ScriptedNode,
  name: Name,
  at = 0,
) {
  const index = calls.flatMap((call, index) => call === name ? [index] : [])[at] ?? -1;
  return create(McpAgent.method[name].input as never, requests[index] as never) as unknown as {
    operationId: string;
    planId: string;
    revision: number;
    component: string;
    recreate: boolean;
    service?: { name: string; components: unknown[] };
  };
}

// --- Plan ---------------------------------------------------------------------------

Deno.test("plan shows each component, its fields, its downtime, and the command that does it", () =>
  withNode(plans, async ({ home, rift }) => {
    const { code, out, err } = await home.run("plan hello");
    strictEqual(code, 0, err);
    strictEqual(
      out,
      `hello on rift: 1 to replace, 1 kept
  web  replace
      image   registry.example/web:v1 → registry.example/web:v2
      env.TZ  - → UTC
      downtime (stop-first): port 127.0.0.1:18080 is bound; it took 1s last time
      the tag has moved since revision 3
  db   keep

Next: Run \`mcp deploy hello --plan p1\`
`,
    );
    deepStrictEqual(rift.calls, ["planDeploy"]);
    const { components, ...rest } = json(await home.run("plan hello/web --json"));
    deepStrictEqual(rest, {
      service: "hello",
      component: "web",
      node: "rift",
      plan_id: "p1",
      summary: "1 to replace, 1 kept",
      next: "mcp deploy hello/web --plan p1",
    });
    deepStrictEqual(components[0].differences[1], {
      field: "env.TZ",
      deployed: null,
      declared: "UTC",
    });
    strictEqual(requestOf(rift, "planDeploy", 1).component, "web");
  }));

Deno.test("plan --exit-code exits with 9 where there is something to do, and with 0 otherwise", async () => {
  await withNode(plans, async ({ home }) => {
    strictEqual((await home.run("plan hello --exit-code")).code, 9);
    strictEqual((await home.run("plan --exit-code")).code, 9);
  });
  await withNode(nothingToDo, async ({ home }) => {
    const { code, out } = await home.run("plan hello --exit-code");
    strictEqual(code, 0);
    strictEqual(out, "hello on rift: 1 kept\n  web  keep\n");
  });
});

Deno.test("plan without a service plans every definition on all nodes, and keeps a silent one as a row", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    planDeploy: ({ service }) => {
      if (service?.name === "bad") throw new McpError("conflict", "It belongs to somebody else");
      return { planId: "p1", components: [...planned] };
    },
  });
  await home.know(rift, deadNode("vade"));
  await home.write("services/hello.toml", definition());
  const other = (name: string, node: string) =>
    definition().replace('"hello"', `"${name}"`).replace('"rift"', `"${node}"`);
  await home.write("services/bad.toml", other("bad", "rift"));
  await home.write("services/far.toml", other("far", "vade"));
  await home.write("services/off.toml", other("off", "rift").replace("= true", "= false"));
  const { code, out } = await home.run("plan");
  strictEqual(code, 7);
  match(out, /^bad on rift: It belongs to somebody else$/m);
  match(out, /^hello on rift: 1 to replace, 1 kept$/m);
  match(out, /^ {2}Run `mcp deploy hello --plan p1`$/m);
  match(out, /^off on rift: inactive, and left alone$/m);
  match(out, /^vade {2}Node "vade" did not answer/m);
  match(out, /^3 services: 1 to replace, 1 kept$/m);
  const { nodes } = json(await home.run("plan --json"));
  deepStrictEqual(
    nodes[0].services.map(({ service, active, error }: Record<string, { kind: string }>) => [
      service,
      active,
      error?.kind ?? null,
    ]),
    [["bad", true, "conflict"], ["hello", true, null], ["off", false, null]],
  );
  strictEqual(nodes[1].error.kind, "unavailable");
  await home.know(rift);
  await Deno.remove(`${home.folder}/services/far.toml`);
  strictEqual((await home.run("plan")).code, 8, "one service cannot be planned");
});

Deno.test("plan says when an agent is too old for it", () =>
  withNode({}, async ({ home }) => {
    const { code, err } = await home.run("plan hello");
    strictEqual(code, 2);
    match(err, /The agent of node "rift" cannot plan\nNext: Update mcp-agent on "rift"/);
  }));

// --- Asking -------------------------------------------------------------------------

Deno.test("deploy on a terminal shows the plan, and does exactly that after a yes", () =>
  withNode(rollsOut, async ({ home, rift }) => {
    const { code, out, err } = await home.run("deploy hello", { keys: ["y\r"] });
    strictEqual(code, 0, err);
    match(err, /1 to replace, 1 kept/);
    match(err, /Deploy hello on rift\? \[y\/N\]/);
    match(out, /hello\/web {2}.*healthy/);
    deepStrictEqual(rift.calls, ["planDeploy", "rollOut"]);
    strictEqual(requestOf(rift, "rollOut").planId, "p1");
    strictEqual(home.raw, false);
  }));

for (const answer of ["\r", "n\r", "yeah\r", "\u0003", "\u0004"]) {
  Deno.test(`deploy on a terminal that is answered ${JSON.stringify(answer)} changes nothing`, () =>
    withNode(rollsOut, async ({ home, rift }) => {
      const { code } = await home.run("deploy hello", { keys: [answer] });
      strictEqual(code, 130);
      deepStrictEqual(rift.calls, ["planDeploy"]);
    }));
}

Deno.test("deploy asks nothing where nobody sits, with --yes, of a plan, and when nothing would change", async () => {
  await withNode(rollsOut, async ({ home, rift }) => {
    for (
      const [line, options] of [
        ["deploy hello", {}],
        ["deploy hello --yes", { keys: [] }],
        ["deploy hello --plan p7", { keys: [] }],
      ] as const
    ) {
      rift.calls.length = 0;
      strictEqual((await home.run(line, options)).code, 0, line);
      deepStrictEqual(rift.calls, ["rollOut"], line);
    }
    strictEqual((rift.requests.at(-1) as { planId: string }).planId, "p7");
  });
  await withNode({ ...rollsOut, ...nothingToDo }, async ({ home, rift }) => {
    strictEqual((await home.run("deploy hello", { keys: [] })).code, 0);
    deepStrictEqual(rift.calls, ["planDeploy", "rollOut"]);
  });
});

Deno.test("deploy --dry-run is a plan", () =>
  withNode(rollsOut, async ({ home, rift }) => {
    const { code, out } = await home.run("deploy hello --dry-run", { keys: [] });
    strictEqual(code, 0);
    match(out, /Next: .*Run `mcp deploy hello --plan p1`/);
    deepStrictEqual(rift.calls, ["planDeploy"]);
  }));

Deno.test("deploy of a plan that does not hold any more is refused with what moved", () =>
  withNode({
    rollOut: () => {
      throw new McpError("conflict", "Cannot deploy: the plan p1 does not hold any more", {
        details: ["web: somebody restarted it"],
        hint: "Run `mcp plan hello` again",
      });
    },
  }, async ({ home, rift }) => {
    const { code, err } = await home.run("deploy hello --plan p1");
    strictEqual(code, 5);
    match(
      err,
      /does not hold any more\n {2}web: somebody restarted it\nNext: Run `mcp plan hello`/,
    );
    deepStrictEqual(rift.calls, ["rollOut"]);
  }));

Deno.test("deploy by a plan is refused by an agent that knows none, rather than done without", () =>
  withNode({ deploy: () => ({}) }, async ({ home, rift }) => {
    const { code, err } = await home.run("deploy hello --plan p1");
    strictEqual(code, 2);
    match(err, /cannot do only what was planned/);
    deepStrictEqual(rift.calls, ["rollOut"]);
  }));

// --- Steps --------------------------------------------------------------------------

Deno.test("deploy without a terminal tells each step on standard error, and results on standard output", () =>
  withNode(rollsOut, async ({ home }) => {
    const { code, out, err } = await home.run("deploy hello");
    strictEqual(code, 0);
    strictEqual(
      err,
      `hello: revision 4
hello/web: pulling registry.example/web:v2
hello/web: probe 1: connection refused
hello/db: kept
hello/web: healthy
`,
    );
    strictEqual(
      out,
      `hello/web  healthy  replaced v1 by v2
hello/db   kept

Revision 4 of hello on rift, from ${home.folder}/services/hello.toml, in 4s
`,
    );
  }));

Deno.test("deploy --json prints one event per line as they come, and the result last", () =>
  withNode(rollsOut, async ({ home }) => {
    const { code, out, err } = await home.run("deploy hello --json", { terminal: true });
    deepStrictEqual([code, err], [0, ""]);
    const lines = out.trim().split("\n").map((line) => JSON.parse(line));
    deepStrictEqual(lines.map(({ kind }) => kind), [
      "begun",
      "step",
      "progress",
      "probe",
      "component_ended",
      "component_ended",
      "result",
    ]);
    const [, step] = lines;
    deepStrictEqual(step, {
      kind: "step",
      operation_id: step.operation_id,
      sequence: 2,
      at: "2026-03-01T12:00:00.000Z",
      component: "web",
      text: "pulling registry.example/web:v2",
      revision: null,
      result: null,
    });
    const result = lines.at(-1);
    deepStrictEqual(
      [result.service, result.revision, result.took_ms, result.results.length],
      ["hello", 4, 4_000, 2],
    );
    strictEqual(result.results[0].verdict, "healthy");
  }));

Deno.test("deploy on a terminal draws where each component stands, and leaves the result only", async () => {
  const drawn = Promise.withResolvers<void>();
  await withNode({
    rollOut: async ({ operationId }, _call, send) => {
      const [begun, pulling, , , kept, ...rest] = events(operationId);
      for (const event of [begun!, pulling!, kept!]) await send(event);
      await drawn.promise;
      for (const event of rest) await send(event);
    },
  }, async ({ home }) => {
    const { out, err } = await home.run("deploy hello --yes", {
      terminal: true,
      sleep: () => new Promise((resolve) => setTimeout(resolve, 0)),
      onErr: (err) => {
        if (/pulling.*0s\n {2}hello\/db {3}kept\n/.test(err)) drawn.resolve();
      },
    });
    match(err, /. hello\/web {2}pulling registry.example\/web:v2 {2}0s\n {2}hello\/db {3}kept\n/);
    ok(!err.includes("hello: revision 4"), "no plain lines beside the picture");
    // deno-lint-ignore no-control-regex -- what erases the picture
    match(err, /\u001b\[\d+A\u001b\[J$/);
    match(out, /Revision 4 of hello on rift/);
  });
});

Deno.test("deploy tells all that is known of a component that failed, and exits with 8", () =>
  withNode({
    rollOut: async ({ operationId }, _call, send) => {
      const results = [
        {
          name: "web",
          success: false,
          verdict: "crashed",
          error: 'Container "hello-web" did not stay up',
          exitCode: 137,
          oomKilled: true,
          restartCount: 3,
          putBack: true,
          logTail: ["\u001b[2Jpanic"],
        },
        {
          name: "db",
          success: false,
          verdict: "timed_out",
          error: "It never answered",
          lastProbe: "connection refused",
        },
        { name: "job", success: false, verdict: "skipped", error: "db did not come up" },
      ];
      await send({ operationId, sequence: 1n, kind: "ended", revision: 5, results });
    },
  }, async ({ home }) => {
    const { code, out } = await home.run("deploy hello");
    strictEqual(code, 8);
    strictEqual(
      out,
      `hello/web  crashed  Container "hello-web" did not stay up
    exit code 137, out of memory, restarted 3 times
    the previous container was put back
    | \\x1b[2Jpanic
hello/db   timed out  It never answered
    last probe: connection refused
hello/job  skipped  db did not come up

Revision 5 of hello on rift, from ${home.folder}/services/hello.toml
Next: \`mcp diff hello\` shows what was asked for beside what runs, \`mcp logs hello/web\` what it prints
`,
    );
  }));

// --- What comes between -------------------------------------------------------------

const instantly = { sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 0)) };

Deno.test("a connection that is lost is made again, what was missed is told once, and nothing is begun twice", () => {
  let attempts = 0;
  const seen = Promise.withResolvers<void>();
  return withNode({
    rollOut: async ({ operationId }, _call, send) => {
      for (const event of events(operationId).slice(0, 3)) await send(event);
      await seen.promise;
      throw new McpError("unavailable", "The agent is stopping");
    },
    attachRollOut: async ({ operationId }, _call, send) => {
      if (attempts++ < 2) throw new McpError("unavailable", "Not yet");
      for (const event of events(operationId)) await send(event);
    },
  }, async ({ home, rift }) => {
    const { code, err } = await home.run("deploy hello", {
      ...instantly,
      onErr: (err) => {
        if (err.includes("pulling")) seen.resolve();
      },
    });
    strictEqual(code, 0, err);
    deepStrictEqual(rift.calls, ["rollOut", "attachRollOut", "attachRollOut", "attachRollOut"]);
    strictEqual(
      requestOf(rift, "attachRollOut").operationId,
      requestOf(rift, "rollOut").operationId,
    );
    match(requestOf(rift, "rollOut").operationId, /^[0-9a-f-]{36}$/);
    strictEqual(err.match(/pulling/g)?.length, 1);
    match(err, /Node "rift" did not answer: .*; the rollout goes on there, asking again in 1s\n/);
    strictEqual(err.match(/asking again/g)?.length, 1, "one word is enough");
    match(err, /Node "rift" answers again\n/);
  });
});

Deno.test("a request whose answer was lost is looked for by its id, and not sent again", () =>
  withNode({
    rollOut: () => {
      throw new McpError("unavailable", "cut");
    },
    attachRollOut: async ({ operationId }, _call, send) => {
      for (const event of events(operationId)) await send(event);
    },
  }, async ({ home, rift }) => {
    strictEqual((await home.run("deploy hello", instantly)).code, 0);
    deepStrictEqual(rift.calls, ["rollOut", "attachRollOut"]);
  }));

Deno.test("a node that never took the request is told at once, as it always was", async () => {
  await using home = new Workstation();
  await home.know(deadNode("rift"));
  await home.write("services/hello.toml", definition());
  const { code, err } = await home.run("deploy hello");
  strictEqual(code, 6);
  match(err, /^Error: Node "rift" did not answer: .*refused/);
  await withNode({
    rollOut: () => {
      throw new McpError("unavailable", "podman is out of order");
    },
    attachRollOut: () => {
      throw new McpError("not_found", "There is no operation");
    },
  }, async ({ home }) => {
    const { code, err } = await home.run("deploy hello");
    strictEqual(code, 6);
    match(err, /podman is out of order/);
  });
});

Deno.test("a node that stays silent is given up in the end, with the way back", () => {
  let clock = now.getTime();
  return withNode({
    rollOut: async ({ operationId }, _call, send) => {
      await send(events(operationId)[0]!);
      throw new McpError("unavailable", "gone");
    },
    attachRollOut: () => {
      throw new McpError("unavailable", "still gone");
    },
  }, async ({ home }) => {
    const ticking = {
      get now() {
        return new Date(clock);
      },
      sleep: (ms: number) => {
        clock += ms;
        return Promise.resolve();
      },
    };
    const { code, err } = await home.run("deploy hello", ticking);
    strictEqual(code, 6);
    match(err, /has been silent for 5m in the middle of a rollout/);
    match(err, /Next: `mcp deploy hello --attach` comes back to it/);
  });
});

Deno.test("Ctrl-C detaches, says so, and ends with 130; --attach comes back", () => {
  const interruption = new AbortController();
  return withNode({
    rollOut: async ({ operationId }, { signal }, send) => {
      await send(events(operationId)[0]!);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
    attachRollOut: async ({ service }, _call, send) => {
      strictEqual(service, "hello");
      for (const event of events("op-1")) await send(event);
    },
  }, async ({ home, rift }) => {
    const { code, err } = await home.run("deploy hello", {
      interrupted: interruption.signal,
      onErr: (err) => {
        if (err.includes("revision 4")) interruption.abort();
      },
    });
    strictEqual(code, 130);
    match(
      err,
      /Detached; the rollout of hello goes on on node "rift"\nNext: `mcp deploy hello --attach`/,
    );
    const { code: again, out } = await home.run("deploy hello --attach");
    strictEqual(again, 0);
    match(out, /hello\/web {2}healthy/);
    deepStrictEqual(rift.calls, ["rollOut", "attachRollOut"]);
    strictEqual((await home.run("deploy hello --attach --recreate")).code, 2);
  });
});

Deno.test("--attach where nothing goes on says so", () =>
  withNode({
    attachRollOut: () => {
      throw new McpError("not_found", 'There is no rollout of "hello" to watch');
    },
  }, async ({ home }) => {
    const { code, err } = await home.run("deploy hello --attach");
    strictEqual(code, 4);
    match(err, /There is no rollout of "hello" to watch/);
  }));

// --- Rollback -----------------------------------------------------------------------

const revision = (
  number: number,
  outcome: string,
  parts: Readonly<Record<string, string>>,
  current: readonly string[] = [],
) => ({
  number,
  actor: "kyle",
  outcome,
  origin: "deploy",
  components: Object.entries(parts).map(([name, outcome]) => ({
    name,
    image: `registry.example/${name}:v${number}`,
    outcome,
    current: current.includes(name),
  })),
});
const good = { web: "succeeded", db: "succeeded" };
const history: Script = {
  ...rollsOut,
  listRevisions: () => ({
    revisions: [
      revision(7, "failed", { web: "failed", db: "kept" }),
      revision(6, "succeeded", good, ["web", "db"]),
      revision(5, "succeeded", { web: "succeeded" }),
      revision(4, "partial", { web: "failed", db: "succeeded" }),
      revision(3, "kept", { web: "kept", db: "kept" }),
      revision(2, "succeeded", good),
    ],
  }),
};

for (
  const [line, expected, component] of [
    ["rollback hello", 3, ""],
    ["rollback hello/web", 5, "web"],
    ["rollback hello/db", 4, "db"],
    ["rollback hello 2", 2, ""],
  ] as const
) {
  Deno.test(`${line} goes back to revision ${expected}`, () =>
    withNode(history, async ({ home, rift }) => {
      const { code, out, err } = await home.run(line);
      strictEqual(code, 0, err);
      const request = requestOf(rift, "rollOut");
      deepStrictEqual(
        [request.revision, request.component, request.service?.name, request.planId],
        [expected, component, "hello", ""],
      );
      match(out, new RegExp(`as it was in revision ${expected}`));
    }));
}

Deno.test("rollback on a terminal shows the plan and asks; --dry-run only shows it", () =>
  withNode(history, async ({ home, rift }) => {
    const { code, err } = await home.run("rollback hello", { keys: ["n\r"] });
    strictEqual(code, 130);
    match(err, /Roll hello back to revision 3 on rift\? \[y\/N\]/);
    deepStrictEqual(rift.calls, ["listRevisions", "planDeploy"]);
    strictEqual(requestOf(rift, "planDeploy").revision, 3);
    const dry: Outcome = await home.run("rollback hello --dry-run");
    match(dry.out, /1 to replace, 1 kept/);
    ok(!rift.calls.includes("rollOut"));
    const yes = await home.run("rollback hello", { keys: ["yes\r"] });
    strictEqual(yes.code, 0, yes.err);
    strictEqual(requestOf(rift, "rollOut").planId, "p1");
  }));

Deno.test("rollback says when there is nothing to go back to", async () => {
  await withNode({
    listRevisions: () => ({ revisions: [revision(1, "succeeded", good, ["web", "db"])] }),
  }, async ({ home }) => {
    const { code, err } = await home.run("rollback hello");
    strictEqual(code, 4);
    match(err, /There is no good revision of "hello" to go back to/);
    match((await home.run("rollback hello 9")).err, /There is no revision 9 of "hello"/);
    match(
      (await home.run("rollback hello/cache 1")).err,
      /Revision 1 of "hello" has no component "cache"/,
    );
    strictEqual((await home.run("rollback hello v3")).code, 2);
  });
});
