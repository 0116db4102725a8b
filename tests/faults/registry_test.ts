/**
 * A registry that is damaged, read-only or gone: the agent says which and names the next command, and
 * that command works as it is printed.
 */

import { match, ok, strictEqual } from "node:assert/strict";
import { snapshotRegistry } from "../../agent/registry/backup.ts";
import { ProcessNode } from "../support/agent_process.ts";
import { ample, type NodeClient } from "../support/test_node.ts";

const agentMain = new URL("../../agent/main.ts", import.meta.url).pathname;
const services = ["shop", "mail", "wiki"];

/** A node that knows of some services, and has a snapshot of that. */
async function nodeWithSnapshot(): Promise<ProcessNode> {
  const node = await ProcessNode.make({ usesPodman: true });
  const agent = await node.start().serving();
  const client = node.client();
  for (const name of services) await declare(client, name);
  client.close();
  agent.signal("SIGTERM");
  strictEqual(await agent.ended(), 0);
  await snapshotRegistry(node.config.databaseFile, { now: new Date(), keep: 3 });
  return node;
}

async function declare(client: NodeClient, name: string): Promise<void> {
  const components = [{ name, image: `registry.example/${name}:v1` }];
  const { results } = await client.syncDesiredState(
    { services: [{ name, active: true, components }] },
    ample,
  );
  strictEqual(results[0]?.error, "");
}

/** What a node knows, asked of an agent that is started for it. */
async function known(node: ProcessNode): Promise<string[]> {
  const agent = await node.start().serving();
  const client = node.client();
  const answer = await client.listServices({}, ample);
  client.close();
  agent.signal("SIGTERM");
  strictEqual(await agent.ended(), 0);
  return answer.services.map(({ name }) => name);
}

/** Starts an agent that must not start; what it says. */
async function refusal(node: ProcessNode): Promise<string> {
  const agent = node.start();
  strictEqual(await agent.ended(), 6);
  const said = await agent.stderr();
  ok(!/\n {4}at /.test(said), `no stack for an operator: ${said}`);
  return said;
}

async function overwrite(path: string, at: number, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(at, Deno.SeekMode.Start);
  await file.write(bytes);
}

for (
  const [given, spoil] of [
    [
      "its header overwritten",
      (path: string) => overwrite(path, 0, new Uint8Array(100).fill(0x58)),
    ],
    ["all of it overwritten", (path: string) => Deno.writeTextFile(path, "hello ".repeat(9_000))],
    [
      "a page in the middle flipped",
      async (path: string) => {
        const { size } = await Deno.stat(path);
        const middle = Math.floor(size / 2 / 4096) * 4096;
        await overwrite(path, middle, new Uint8Array(4096).fill(0xff));
      },
    ],
    [
      "its end cut off",
      async (path: string) =>
        await Deno.truncate(path, Math.floor((await Deno.stat(path)).size / 3)),
    ],
  ] as const
) {
  Deno.test(`a registry with ${given} is refused, and comes back by the command that is named`, async () => {
    await using node = await nodeWithSnapshot();
    await spoil(node.config.databaseFile);
    const said = await refusal(node);
    match(said, /^Error: Cannot use the registry \S+\/mcp\.db: it is damaged/m);
    const command = /^Next: Run `mcp-agent (restore \S+\/mcp-\S+\.db --config \S+)`/m.exec(said)
      ?.[1];
    ok(command !== undefined, said);

    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-check", "--cached-only", "--no-prompt", "--ignore-env"],
        ...[`--allow-read=${node.folder}`, `--allow-write=${node.folder}`, agentMain],
        ...command.split(" "),
      ],
    }).output();
    strictEqual(code, 0, new TextDecoder().decode(stderr));
    strictEqual((await known(node)).join(), services.toSorted().join());
  });
}

Deno.test("a registry that may not be written is refused at the start", async (t) => {
  await using node = await nodeWithSnapshot();
  const { databaseFile } = node.config;
  await t.step("by its mode", async () => {
    await Deno.chmod(databaseFile, 0o444);
    const said = await refusal(node);
    match(said, /Cannot open the registry \S+: .*[Pp]ermission denied/);
    match(said, /^Next: See whose it is \(`ls -la \S+`\)/m);
    await Deno.chmod(databaseFile, 0o600);
  });
  await t.step("by its folder's", async () => {
    await Deno.chmod(node.folder, 0o555);
    const said = await refusal(node);
    await Deno.chmod(node.folder, 0o755);
    match(said, /^Error: Cannot \S+.* \S+\/mcp\.db.*([Pp]ermission denied|read-only)/m);
    match(said, /^Next: See whose they are/m);
  });
  strictEqual((await known(node)).join(), services.toSorted().join());
});
