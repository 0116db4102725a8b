/**
 * A disk that is full: nothing that was acknowledged is lost, every refusal names the disk, and with
 * room again all is as before.
 *
 * The disk is a small tmpfs. To mount one takes a namespace in which this user is root, so this file
 * runs itself once more in there.
 */

import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { startNode } from "../../agent/assemble.ts";
import { snapshotRegistry } from "../../agent/registry/backup.ts";
import { Registry } from "../../agent/registry/registry.ts";
import { errorChain, McpError } from "../../lib/errors.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFiles } from "../../lib/system/files.ts";
import { realFollow } from "../../lib/system/follow.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ample, type NodeClient, TestNode } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const insideVariable = "MCP_TEST_MAY_MOUNT";
const v1 = "registry.example/web:v1";
const v2 = "registry.example/web:v2";
const request = (image: string) => ({
  service: { name: "web", active: true, components: [{ name: "web", image }] },
});

if (Deno.env.get(insideVariable) === undefined) {
  Deno.test("an agent whose disk is full", async () => {
    const { code, stdout, stderr } = await realExec([
      ...["unshare", "--user", "--map-root-user", "--mount", "--propagation=private"],
      ...[Deno.execPath(), "test", "--no-check", "--cached-only", "--allow-all"],
      new URL(import.meta.url).pathname,
    ], { timeoutMs: 900_000, env: { ...Deno.env.toObject(), [insideVariable]: "yes" } });
    strictEqual(code, 0, `${stdout}\n${stderr}`);
    match(stdout, /\b3 passed\b/);
  });
} else {
  Deno.test("a full disk refuses what must be remembered, by name, and nothing else", fullDisk);
  Deno.test("a disk that fills up during a deploy brings the previous container back", fillsUp);
  Deno.test("an agent that is started on a full disk says so", startedOnFull);
}

/** A file system with this many KiB, and a way to fill it to the last. */
class SmallDisk implements AsyncDisposable {
  readonly #folder: ThrowAwayFolder;

  private constructor(folder: ThrowAwayFolder) {
    this.#folder = folder;
  }

  static async mount(): Promise<SmallDisk> {
    const folder = await ThrowAwayFolder.make();
    await demand("mount", "-t", "tmpfs", "-o", "size=4096k", "tmpfs", folder.path);
    return new SmallDisk(folder);
  }

  get path(): string {
    return this.#folder.path;
  }

  async fill(): Promise<void> {
    await using stack = new AsyncDisposableStack();
    const file = stack.use(await Deno.open(`${this.path}/filler`, { append: true, create: true }));
    for (const size of [64 * 1024, 4096, 1]) {
      await rejects(async () => {
        for (;;) await file.write(new Uint8Array(size));
      }, /No space left/);
    }
  }

  async empty(): Promise<void> {
    await Deno.remove(`${this.path}/filler`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await demand("umount", this.path);
    await this.#folder[Symbol.asyncDispose]();
  }
}

async function demand(...argv: readonly string[]): Promise<void> {
  const { code, stderr } = await realExec(argv, { timeoutMs: 900_000 });
  strictEqual(code, 0, stderr);
}

async function refusal(work: Promise<unknown>): Promise<McpError> {
  let failure: unknown;
  await rejects(work, (error) => (failure = error, true));
  ok(failure instanceof McpError, errorChain(failure));
  strictEqual(failure.kind, "unavailable", errorChain(failure));
  return failure;
}

async function serving(client: NodeClient): Promise<string> {
  const { services } = await client.listServices({}, ample);
  const [component] = services[0]?.components ?? [];
  return `${component?.observedState} ${component?.version}`;
}

function integrity(path: string): string {
  using registry = Registry.open(path);
  return String(registry.get("PRAGMA integrity_check")?.["integrity_check"]);
}

async function push(client: NodeClient, bytes: number): Promise<string> {
  const content = new Uint8Array(bytes);
  try {
    return (await client.pushFile({ service: "web", path: "data.bin", content }, ample)).error;
  } catch (error) {
    ok(error instanceof McpError && error.kind === "unavailable", errorChain(error));
    return error.message;
  }
}

async function fullDisk(): Promise<void> {
  await using logs = await QuietLogs.start();
  await using disk = await SmallDisk.mount();
  await using node = await TestNode.start({ folder: disk.path });
  for (const image of [v1, v2]) node.runtime.publish(image);
  const client = node.client();
  strictEqual((await client.deploy(request(v1), ample)).results[0]?.error, "");
  strictEqual(await push(client, 1_000), "");

  await disk.fill();
  for (
    const work of [
      () => client.deploy(request(v2), ample),
      () => client.stopService({ name: "web" }, ample),
    ]
  ) {
    const { message, hint } = await refusal(work());
    match(message, /^Cannot write to the registry \S+\/mcp\.db: the disk is full$/);
    match(hint ?? "", /^Free some space there \(`df -h \S+`\)/);
  }
  const synced = await client.syncDesiredState({ services: [request(v2).service] }, ample);
  match(synced.results[0]?.error ?? "", /the disk is full/);
  strictEqual(
    await push(client, 1_000_000),
    "Cannot write web:data.bin: the disk is full; nothing was changed",
  );
  const now = new Date();
  match(
    errorChain(await refusal(snapshotRegistry(node.registryPath, { now, keep: 3 }))),
    /^Cannot make a snapshot of the registry \S+: .*(disk is full|No space left)/,
  );
  const left = await Array.fromAsync(Deno.readDir(`${disk.path}/backups`), ({ name }) => name);
  deepStrictEqual(left, [".lock"]);

  // What is there can be read, and what serves goes on serving.
  deepStrictEqual(node.runtime.containers, ["web running"]);
  strictEqual(await serving(client), "running v1");
  const { services } = await client.getServiceStatus({ name: "web" }, ample);
  strictEqual(services.length, 1);
  const pulled = await client.pullFile({ service: "web", path: "data.bin" }, ample);
  strictEqual(pulled.content.byteLength, 1_000);
  strictEqual(
    (await client.getServiceSpec({ name: "web" }, ample)).deployed?.components[0]?.image,
    v1,
  );
  ok((await client.listAudit({}, ample)).entries.length > 0);
  strictEqual((await client.nodeStatus({}, ample)).diskFreeBytes, 0n);
  // Calls that were refused are in the log, and their audit entries are missed loudly.
  ok(logs.messages("mcp.audit").some((message) => /^Cannot keep \d+ audit entr/.test(message)));
  deepStrictEqual(logs.entries("mcp.agent").filter(({ message }) => /Defect/.test(message)), []);

  await disk.empty();
  strictEqual((await client.deploy(request(v2), ample)).results[0]?.error, "");
  strictEqual(await serving(client), "running v2");
  strictEqual(await push(client, 1_000_000), "");
  await snapshotRegistry(node.registryPath, { now, keep: 3 });
  await node.stop();
  strictEqual(integrity(`${disk.path}/mcp.db`), "ok");
}

async function fillsUp(): Promise<void> {
  await using disk = await SmallDisk.mount();
  await using node = await TestNode.start({ folder: disk.path });
  for (const image of [v1, v2]) node.runtime.publish(image);
  const client = node.client();
  strictEqual((await client.deploy(request(v1), ample)).results[0]?.error, "");

  const hold = node.runtime.hold("run");
  const deploying = refusal(client.deploy(request(v2), ample));
  await hold.reached;
  await disk.fill();
  hold.release();
  match((await deploying).message, /the disk is full/);
  deepStrictEqual(node.runtime.containers, ["web running"]);
  strictEqual((await node.runtime.list())[0]?.image, v1);

  await disk.empty();
  strictEqual((await client.deploy(request(v2), ample)).results[0]?.error, "");
  await node.stop();
  strictEqual(integrity(`${disk.path}/mcp.db`), "ok");
}

async function startedOnFull(): Promise<void> {
  await using disk = await SmallDisk.mount();
  await using before = await TestNode.start({ folder: disk.path });
  before.runtime.publish(v1);
  strictEqual((await before.client().deploy(request(v1), ample)).results[0]?.error, "");
  await before.stop();
  const { runtime, clock } = before;

  await disk.fill();
  const system = {
    clock,
    uptimeMs: () => 0,
    exec: realExec,
    follow: realFollow,
    files: realFiles,
  };
  const { message } = await refusal(
    startNode(before.config, system, { runtime, monitors: false }),
  );
  match(message, /^Cannot write to the registry \S+: the disk is full$/);
  await disk.empty();
  await using node = await TestNode.start({ folder: disk.path, runtime, clock });
  strictEqual(await serving(node.client()), "running v1");
}
