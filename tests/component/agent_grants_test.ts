import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { AgentConfig } from "../../agent/config.ts";
import { serverPermissions } from "../../agent/permissions.ts";
import { realFiles } from "../../lib/system/files.ts";
import { ProcessNode } from "../support/agent_process.ts";
import { ample } from "../support/test_node.ts";

/** The flags of a node with one of them changed. */
function changed(node: ProcessNode, name: string, change: (value: string) => string): string[] {
  return serverPermissions(node.config).map((flag) =>
    flag.startsWith(`--${name}=`) ? `--${name}=${change(flag.slice(name.length + 3))}` : flag
  );
}

/** What an agent that does not serve says, and that it touched nothing before. */
async function refusal(node: ProcessNode, flags: readonly string[]): Promise<string> {
  const before = (await Deno.stat(node.config.databaseFile)).mtime;
  const agent = node.start(flags);
  strictEqual(await agent.ended(), 5);
  deepStrictEqual(agent.entries, []);
  deepStrictEqual((await Deno.stat(node.config.databaseFile)).mtime, before);
  strictEqual(await realFiles.mode(`${node.config.databaseFile}.lock`), undefined);
  const said = await agent.stderr();
  match(said, /Next: Run `mcp-agent permissions --config \S+mcp-agent\.toml`/);
  return said;
}

Deno.test("an agent serves with exactly the permissions that its config needs", async () => {
  await using node = await ProcessNode.make();
  const agent = await node.start().serving();
  const client = node.client();
  strictEqual((await client.nodeStatus({}, ample)).nodeName, "rift");
  client.close();
  deepStrictEqual(agent.messages("WARN"), []);
});

Deno.test("an agent that was permitted less than its config needs names each flag", async (t) => {
  await using node = await ProcessNode.make();
  const { folder, address } = node;
  for (
    const [name, change, missing] of [
      ["allow-write", () => "/nowhere", `--allow-write=${folder}`],
      ["allow-read", () => node.config.file, `--allow-read=${folder}`],
      ["allow-net", () => "127.0.0.1:1", `--allow-net=${address}`],
      ["allow-run", () => "/bin/nothing", "--allow-run=podman"],
      ["allow-sys", (value: string) => value.replace(",cpus", ""), "--allow-sys=cpus"],
    ] as const
  ) {
    await t.step(missing, async () => {
      const said = await refusal(node, changed(node, name, change));
      match(said, /Error: Cannot serve: permissions are missing\n/);
      ok(said.includes(`  ${missing} is missing`), said);
    });
  }
});

Deno.test("an agent that was permitted more than its config needs refuses to serve", async (t) => {
  await using node = await ProcessNode.make();
  const more = (name: string, what: string) => changed(node, name, (value) => `${value},${what}`);
  const exact = serverPermissions(node.config);
  for (
    const [given, flags, tooMuch] of [
      ["all", ["--allow-all"], "--allow-all"],
      ["all reading", changed(node, "allow-read", () => "").map(unlisted), "--allow-read"],
      ["the root", more("allow-read", "/"), "--allow-read=/"],
      ["the folder around it", more("allow-write", "/tmp"), "--allow-write=/tmp"],
      ["/etc", more("allow-read", "/etc"), "--allow-read=/etc"],
      ["a shell", more("allow-run", "/bin/sh"), "--allow-run=/bin/sh"],
      ["another host", more("allow-net", "example.com:443"), "--allow-net=example.com:443"],
      ["another fact", more("allow-sys", "hostname"), "--allow-sys=hostname"],
      ["a variable", [...exact, "--allow-env=HOME"], "--allow-env=HOME"],
      ["libraries", [...exact, "--allow-ffi"], "--allow-ffi"],
      ["code from elsewhere", exact.filter((flag) => !flag.includes("-import")), "--allow-import"],
    ] as const
  ) {
    await t.step(given, async () => {
      const said = await refusal(node, flags);
      match(said, /Error: Cannot serve: more is permitted than this config needs\n/);
      ok(said.includes(`  ${tooMuch} is too much\n`), said);
      match(said, /--allow-broad-permissions/);
    });
  }
});

/** What the agent of a config says of grants, in a process that holds them; nothing is served. */
async function comparison(config: AgentConfig, flags: readonly string[]): Promise<unknown> {
  const grants = new URL("../../agent/grants.ts", import.meta.url).href;
  const code = `import { compareGrants } from ${JSON.stringify(grants)};
    const open = async (hostname) => {
      try { (await Deno.connect({ hostname, port: 1 })).close(); } catch (error) { return error.name; }
    };
    console.log(JSON.stringify({
      ...await compareGrants(${JSON.stringify(config)}),
      loopback: [await open("127.0.0.1"), await open("::1")],
      elsewhere: [await open("127.0.0.2"), await open("192.0.2.1")],
    }));`;
  const { code: status, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--cached-only", ...flags, dataUrl(code)],
  }).output();
  strictEqual(status, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

function dataUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

for (
  const listen of [
    "0.0.0.0:9444",
    "[::]:9444",
    "100.95.252.120:9444",
    "[fd7a:115c:a1e0::1]:9444",
    "[::1]:9444",
  ]
) {
  Deno.test(`an agent that listens on ${listen} holds what it needs and no more, and may ask its own loopback only`, async () => {
    await using node = await ProcessNode.make();
    const { server } = node.config;
    const config = { ...node.config, server: { ...server, address: listen } };
    const flags = serverPermissions(config);
    const { loopback, ...rest } = await comparison(config, flags) as { loopback: string[] };
    deepStrictEqual(rest, {
      missing: [],
      broader: [],
      elsewhere: ["NotCapable", "NotCapable"],
    });
    ok(!loopback.includes("NotCapable"), loopback.join(" "));
    const wider = flags.map((flag) =>
      flag.startsWith("--allow-net=") ? `${flag},127.0.0.2,192.0.2.1:22` : flag
    );
    const { broader } = await comparison(config, wider) as { broader: string[] };
    deepStrictEqual(broader, ["--allow-net=127.0.0.2:22"]);
  });
}

/** A flag without its list: everything of that name. */
function unlisted(flag: string): string {
  return flag.endsWith("=") ? flag.slice(0, -1) : flag;
}

Deno.test("an agent serves with more in development, and says so", async () => {
  await using node = await ProcessNode.make();
  const agent = await node.start(["--allow-all"], "--allow-broad-permissions").serving();
  deepStrictEqual(agent.messages("WARN"), [
    "Serving with --allow-all, which this config does not need",
  ]);
});
