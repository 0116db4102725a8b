import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { ensurePackages, findProgram } from "../../deploy/sandbox/packages.ts";
import { breakingArgs, bufArgv } from "../../proto/generate.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryRuntime } from "../support/memory_runtime.ts";
import { TestNode } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const protoFolder = new URL("../../proto", import.meta.url).pathname;
const seedFolder = new URL("../fixtures/seed", import.meta.url).pathname;
const clientFile = new URL("../support/seed_client.py", import.meta.url).pathname;

const pythonPackages = { "python3-grpcio": "python3", "python3-protobuf": "python3" };
/** The system's own: any other would not see what Debian installs. */
const python = "/usr/bin/python3";

interface Ended {
  readonly success: boolean;
  readonly out: string;
  readonly told: string;
}

async function run(
  [program = "", ...args]: readonly string[],
  { input = "", cwd }: { readonly input?: string; readonly cwd?: string } = {},
): Promise<Ended> {
  const child = new Deno.Command(program, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(600_000),
    ...(cwd === undefined ? {} : { cwd }),
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {
    // It ended without reading, and its exit code says why.
  });
  await writer.close().catch(() => {});
  const { success, stdout, stderr } = await child.output();
  const [out, told] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { success, out: out ?? "", told: told ?? "" };
}

/** Why there is no Python client; undefined when there is one, if need be from now on. */
async function whyNoPython(): Promise<string | undefined> {
  const imports = async () =>
    await findProgram(python) !== undefined &&
    (await run([python, "-c", "import grpc, google.protobuf"])).success;
  if (await imports()) return undefined;
  try {
    await ensurePackages(() => {}, pythonPackages);
  } catch (error) {
    return error instanceof Error ? error.message.split("\n")[0] : String(error);
  }
  return await imports() ? undefined : "python3-grpcio cannot be loaded";
}

async function whyNoBuf(): Promise<string | undefined> {
  if (await findProgram("npx") === undefined) return "there is no npx";
  return (await run(bufArgv("--version"))).success ? undefined : "npx cannot get buf";
}

const withoutBuf = await whyNoBuf();
const withoutPython = withoutBuf ?? await whyNoPython();

/** A test that needs a tool: skipped, and its name says so, where it cannot be had. */
function needing(reason: string | undefined, name: string, fn: () => Promise<void>): void {
  const skipped = reason === undefined ? "" : ` (skipped: ${reason})`;
  Deno.test({ name: `${name}${skipped}`, ignore: reason !== undefined, fn });
}

const [v1, v2] = ["registry.example/web:v1", "registry.example/web:v2"];

async function startNode(): Promise<TestNode> {
  const clock = new FakeClock({ autoAdvance: true });
  const node = await TestNode.start({
    clock,
    runtime: new MemoryRuntime({ clock, images: [v1, v2] }),
  });
  await Deno.writeTextFile(`${node.folder}/ca.pem`, node.ca);
  return node;
}

interface Told {
  readonly rpc: string;
  readonly code: string;
  // deno-lint-ignore no-explicit-any -- whatever JSON there was; each test looks at what it needs
  readonly answer: any;
}

needing(
  withoutPython,
  "a Python client made from the seed's proto uses all of its 12 RPCs",
  async () => {
    await using node = await startNode();
    await node.runtime.runByHand("blog-web");
    const image = `${node.folder}/seed.binpb`;
    const built = await run(bufArgv("build", seedFolder, "-o", image));
    ok(built.success, built.told);

    const service = (tag: string) => ({
      name: "shop",
      active: true,
      components: [{ name: "web", image: tag, ports: ["127.0.0.1:8080:80"], cmd: ["serve"] }],
    });
    const content = btoa("listen = 80\n");
    const requests: readonly (readonly [string, unknown])[] = [
      ["SyncDesiredState", { services: [service(v1)] }],
      ["Deploy", { service: service(v1) }],
      ["Deploy", { service: service(v2), component: "web" }],
      ["Deploy", { service: { name: "No name", components: [] } }],
      ["ListServices", {}],
      ["GetServiceStatus", { name: "shop" }],
      ["GetServiceStatus", {}],
      ["LiveCheck", {}],
      ["StopService", { name: "shop" }],
      ["StartService", { name: "shop" }],
      ["RestartService", { name: "shop" }],
      ["StopService", { name: "unheard-of" }],
      ["AdoptContainer", { service: "blog" }],
      ["PushFile", { service: "shop", path: "etc/shop.toml", content, mode: 0o600 }],
      ["PullFile", { service: "shop", path: "etc/shop.toml" }],
      ["PullFile", { service: "shop", path: "../../mcp.db" }],
      ["NodeStatus", {}],
    ];
    const ended = await run(
      [python, clientFile, image, node.address, `${node.folder}/ca.pem`, node.adminToken],
      { input: requests.map((request) => `${JSON.stringify(request)}\n`).join("") },
    );
    ok(ended.success, ended.told);
    const told = ended.out.trim().split("\n").map((line): Told => JSON.parse(line));

    deepStrictEqual(told.slice(0, 4).map(({ rpc, code, answer }) => [rpc, code, answer]), [
      ["TLS", "TLSv1_2", "refused"],
      ["TLS", "TLSv1_3", "TLSv1.3"],
      ["ListServices", "UNAUTHENTICATED", told[2]?.answer],
      ["ListServices", "UNAUTHENTICATED", told[3]?.answer],
    ]);
    const known: readonly string[] = told.at(-1)?.answer;
    strictEqual(known.length, 12);
    deepStrictEqual([...new Set(requests.map(([rpc]) => rpc))].sort(), known);

    const answers = told.slice(4, -1);
    deepStrictEqual(answers.map(({ rpc, code }) => `${rpc} ${code}`), [
      "SyncDesiredState OK",
      "Deploy OK",
      "Deploy OK",
      "Deploy INVALID_ARGUMENT",
      "ListServices OK",
      "GetServiceStatus OK",
      "GetServiceStatus OK",
      "LiveCheck OK",
      "StopService OK",
      "StartService OK",
      "RestartService OK",
      "StopService NOT_FOUND",
      "AdoptContainer OK",
      "PushFile OK",
      "PullFile OK",
      "PullFile INVALID_ARGUMENT",
      "NodeStatus OK",
    ]);
    const [sync, first, second, , list, status, all, live, stop, start, restart] = answers.map((
      { answer },
    ) => answer);
    const synced = sync.results.find(({ name }: Told["answer"]) => name === "shop");
    deepStrictEqual([synced.changed, typeof synced.summary], [true, "string"]);
    for (const { results } of [first, second, stop, start, restart]) {
      deepStrictEqual(results, [{ name: "web", success: true, error: "" }]);
    }
    for (const answer of [list, live]) {
      const shop = answer.services.find(({ name }: Told["answer"]) => name === "shop");
      const { started, ...web } = shop.components[0];
      match(started, /^\d{4}-\d\d-\d\dT/);
      deepStrictEqual([shop.active, web], [true, {
        name: "web",
        image: v2,
        desired_state: "running",
        observed_state: "running",
        version: "v2",
      }]);
    }
    deepStrictEqual(status.services.map(({ name }: Told["answer"]) => name), ["shop"]);
    deepStrictEqual(status.drift, []);
    const [event] = status.recent_events;
    deepStrictEqual([event.service, event.component, event.new_state], ["shop", "web", "running"]);
    ok(all.services.length >= 1);
    const [adopted, pushed, pulled, , nodeStatus] = answers.slice(-5).map(({ answer }) => answer);
    deepStrictEqual(adopted.results, [
      { container: "blog-web", component: "web", success: true, error: "" },
    ]);
    deepStrictEqual(pushed, { success: true, error: "" });
    deepStrictEqual(pulled, { content, mode: 0o600, error: "" });
    deepStrictEqual([nodeStatus.node_name, nodeStatus.runtime], ["rift", "podman"]);
    ok(BigInt(nodeStatus.disk_total_bytes) > 0n && BigInt(nodeStatus.memory_total_bytes) > 0n);
    match(nodeStatus.uptime_since, /^\d{4}-\d\d-\d\dT/);
  },
);

needing(withoutBuf, "buf curl talks to a node with the contract's text and its CA", async () => {
  await using node = await startNode();
  const curl = async (rpc: string, request: unknown) => {
    const ended = await run(bufArgv(
      "curl",
      "--schema",
      protoFolder,
      "--protocol",
      "grpc",
      "--cacert",
      `${node.folder}/ca.pem`,
      "--header",
      `authorization: Bearer ${node.adminToken}`,
      "--data",
      JSON.stringify(request),
      `https://${node.address}/mcp.v1.McpAgent/${rpc}`,
    ));
    return ended.success ? JSON.parse(ended.out) : ended.told;
  };
  const service = { name: "shop", active: true, components: [{ name: "web", image: v1 }] };
  const { revision, results } = await curl("Deploy", { service });
  deepStrictEqual([revision, results[0].summary], [1, "created v1"]);
  strictEqual((await curl("NodeStatus", {})).nodeName, "rift");
  match(await curl("StopService", { name: "unheard-of" }), /"code": "not_found"/);
});

/** Compares a contract with the first one, as `deno task check` does; what it says when they clash. */
async function breaks(change: (text: string) => string): Promise<string> {
  await using folder = await ThrowAwayFolder.make();
  await Deno.mkdir(folder.at("mcp/v1"), { recursive: true });
  await Deno.copyFile(`${protoFolder}/buf.yaml`, folder.at("buf.yaml"));
  const text = await Deno.readTextFile(`${protoFolder}/mcp/v1/mcp.proto`);
  const changed = change(text);
  await Deno.writeTextFile(folder.at("mcp/v1/mcp.proto"), changed);
  const { success, out, told } = await run(bufArgv(...breakingArgs), { cwd: folder.path });
  return success ? "" : `${out}${told}`;
}

function replaced(text: string, from: string, to: string): string {
  ok(text.includes(from), `the contract has no "${from}"`);
  return text.replace(from, to);
}

needing(withoutBuf, "the contract is compatible with the first one, and may grow", async () => {
  strictEqual(await breaks((text) => text), "");
  strictEqual(
    await breaks((text) =>
      replaced(text, "message AdoptRequest {", "message AdoptRequest {\n  string more = 99;")
    ),
    "",
  );
});

for (
  const [given, from, to, complaint] of [
    [
      "a renumbered field",
      "string image = 2;",
      "string image = 222;",
      /field "2" with name "image"/,
    ],
    ["a retyped field", "uint32 mode = 4;", "string mode = 4;", /changed type from "uint32"/],
    ["a renamed field", "string network = 3;", "string net = 3;", /changed name from "network"/],
    ["a field that is no list any more", "repeated string cmd", "string cmd", /cardinality/],
    [
      "a renamed message",
      "message DriftInfo {",
      "message Drift {",
      /message "DriftInfo" was deleted/,
    ],
    [
      "a removed RPC",
      "  rpc LiveCheck(LiveCheckRequest) returns (LiveCheckResponse);\n",
      "",
      /RPC "LiveCheck"/,
    ],
    ["another package", "package mcp.v1;", "package mcp.v2;", /package/],
  ] as const
) {
  needing(withoutBuf, `the check of the contract refuses ${given}`, async () => {
    const told = await breaks((text) => {
      const changed = replaced(text, from, to);
      return given === "a renamed message" ? changed.replaceAll("DriftInfo ", "Drift ") : changed;
    });
    match(told, complaint);
  });
}
