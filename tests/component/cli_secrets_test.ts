/**
 * Secrets and files of variables through the command line: a whole agent with its registry, files and
 * gRPC over TLS; only podman is stood in for.
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { realFiles } from "../../lib/system/files.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ample, TestNode } from "../support/test_node.ts";
import { type Outcome, Workstation } from "../support/workstation.ts";

const image = "registry.example/shop:v1";
const head = 'name = "shop"\nnode = "rift"\n\n[[components]]\nname = "web"\n' +
  `image = "${image}"\n`;
/** Found wherever it should not be. */
const sentinel = `sentinel-${crypto.randomUUID()}`;

/** An operator whose services folder has one definition, and a node. */
class Desk implements AsyncDisposable {
  readonly home = new Workstation();
  readonly node: TestNode;
  readonly folder: string;

  private constructor(node: TestNode) {
    this.node = node;
    this.folder = join(this.home.folder, "services");
  }

  static async start(definition: string): Promise<Desk> {
    const node = await TestNode.start({ agentConfig: "keep_revisions = 2" });
    node.runtime.publish(image);
    const desk = new Desk(node);
    const { home } = desk;
    await home.write("ca.pem", node.ca);
    await home.write(
      "mcp.toml",
      `[[nodes]]\nname = "rift"\naddress = "${node.address}"\nca_cert = "ca.pem"\n`,
    );
    await home.write("tokens/rift", `${node.adminToken}\n`, 0o600);
    await home.write("services/shop.toml", head + definition);
    // Says that it was run, and prints what the file beside it holds.
    await home.write("get", '#!/bin/sh\necho run >> "$0.log"\ncat "$0.value"\n', 0o755);
    return desk;
  }

  async run(line: string | readonly string[]): Promise<Outcome> {
    return await this.home.run(line);
  }

  async well(line: string | readonly string[]): Promise<string> {
    const { code, out, err } = await this.run(line);
    strictEqual(code, 0, `${line}: ${out}${err}`);
    return out;
  }

  /** What the container has in the file, if it is there. */
  inside(name: string): string | undefined {
    return this.node.runtime.secretFile("shop-web", `/run/secrets/${name}`);
  }

  /** How often the command was run. */
  async runs(): Promise<number> {
    return (await this.home.read("get.log") ?? "").split("\n").length - 1;
  }

  async env(): Promise<Readonly<Record<string, string>>> {
    const client = this.node.client();
    const { deployed } = await client.getServiceSpec({ name: "shop" }, ample);
    return deployed?.components[0]?.env ?? {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]();
    await this.home[Symbol.asyncDispose]();
  }
}

const both = `secrets = [
  { name = "key", file = "secrets/key" },
  { name = "token", command = ["../get"] },
]
`;

async function withBoth(): Promise<Desk> {
  const desk = await Desk.start(both);
  await desk.home.write("services/secrets/key", "the key", 0o600);
  await desk.home.write("get.value", "the token\n");
  return desk;
}

Deno.test("deploy takes secrets from a file and from a command to the container", async () => {
  await using desk = await withBoth();
  await desk.well("deploy shop");
  deepStrictEqual([desk.inside("key"), desk.inside("token")], ["the key", "the token"]);
  match(await desk.well("deploy shop"), /kept/);
  await desk.home.write("get.value", "another\n");
  const planned = await desk.well("plan shop");
  match(planned, /secrets\.token.*version 1.*changed/);
  ok(!planned.includes("another"), planned);
  await desk.well("deploy shop");
  deepStrictEqual([desk.inside("key"), desk.inside("token")], ["the key", "another"]);
});

Deno.test("only deploy and plan ask for the values of secrets", async () => {
  await using desk = await withBoth();
  await desk.well("sync");
  strictEqual(await desk.runs(), 0);
  for (const line of ["plan shop", "plan", "deploy shop", "deploy shop/web --dry-run"]) {
    await desk.well(line);
  }
  strictEqual(await desk.runs(), 4);
  for (
    const line of [
      ...["sync", "status", "list", "ps", "history shop", "diff shop", "service show shop"],
      ...["service export shop", "deploy shop --attach", "restart shop", "stop shop"],
      ...["start shop", "rollback shop 1 --yes"],
    ]
  ) await desk.well(line);
  strictEqual(await desk.runs(), 4);
});

Deno.test("a secret that cannot be read is told with its line, and nothing is sent", async () => {
  await using desk = await withBoth();
  await desk.home.write("services/secrets/key", "the key", 0o644);
  await Deno.remove(join(desk.home.folder, "get.value"));
  for (const line of ["deploy shop", "plan shop"]) {
    const { code, out, err } = await desk.run(line);
    strictEqual(code, 2, out);
    match(err, /^Warning: others can read the secret .*secrets\/key; `chmod 600/m);
    match(err, /shop\.toml:9: secret "token": \S+ ended with exit code 1/);
    match(err, /get\.value/);
    ok(!err.includes("the key"), err);
  }
  deepStrictEqual(desk.node.runtime.containers, []);
});

Deno.test("a copy of the node can be deployed and exported: its secrets are taken as they are there", async () => {
  await using desk = await withBoth();
  await desk.well("deploy shop");
  const file = join(desk.folder, "shop.toml");
  const written = await realFiles.readText(file);
  match(await desk.well("service export shop"), /says the same already/);
  // What nobody but the operator knows survives, when the rest is written anew.
  await desk.home.write("services/shop.toml", `${written}workdir = "/srv"\n`);
  await desk.well("service export shop --force");
  match(await realFiles.readText(file) ?? "", /\{ name = "token", command = \["\.\.\/get"\] \}/);

  await Deno.remove(file);
  const runs = await desk.runs();
  match(await desk.well("deploy shop"), /kept/);
  await desk.well("service export shop");
  const text = await realFiles.readText(file) ?? "";
  match(text, /# secret key: say where it comes from/);
  match(text, /\{ name = "key" \},/);
  match(await desk.well("deploy shop"), /kept/);
  strictEqual(await desk.runs(), runs);
  strictEqual(desk.inside("key"), "the key");
});

Deno.test("a secret of which nobody has a value is refused with what to write", async () => {
  await using desk = await Desk.start('secrets = [{ name = "key" }]\n');
  for (const line of ["deploy shop", "plan shop"]) {
    const { code, err } = await desk.run(line);
    strictEqual(code, 5, err);
    match(err, /web mounts the secret "key", of which the node has no value/);
    match(err, /`file = …` or `command = \[…\]`/);
  }
});

Deno.test("the variables of files reach the container, and the node knows nothing of files", async () => {
  await using desk = await Desk.start('env_file = ["one.env", "two.env"]\nenv = { C = "own" }\n');
  await desk.home.write("services/one.env", "A=one\nB=one\nC=one\n");
  await desk.home.write("services/two.env", "# more\nB='two words'\n");
  await desk.well("deploy shop");
  deepStrictEqual(await desk.env(), { A: "one", B: "two words", C: "own" });
  match(await desk.well("sync"), /^rift +shop +no/m);
  match(await desk.well("service export shop"), /says the same already/);
  await desk.home.write("services/two.env", "B=three\n");
  match(await desk.well("plan shop"), /env\.B.*two words.*three/);
});

Deno.test("a file of variables that cannot be used is told with its line, and keeps no service from being stopped", async () => {
  await using desk = await Desk.start('env_file = "one.env"\n');
  await desk.home.write("services/one.env", "A=1\n");
  await desk.well("deploy shop");
  await desk.home.write("services/one.env", `A=1\n${sentinel}\n`);
  for (const line of ["deploy shop", "plan shop", "sync"]) {
    const { code, err } = await desk.run(line);
    strictEqual(code, 2, line);
    match(err, /one\.env:2: expected NAME=value/);
    ok(!err.includes(sentinel), err);
  }
  await desk.well("stop shop");
  await desk.well("status shop");
  await Deno.remove(join(desk.folder, "one.env"));
  const { code, err } = await desk.run("deploy shop");
  strictEqual(code, 2);
  // A line was added by `mcp stop`.
  match(err, /shop\.toml:8: env_file: there is no file .*one\.env/);
});

Deno.test("no value of a secret is shown, logged, answered, or written by anybody", async () => {
  await using logs = await QuietLogs.start();
  await using desk = await Desk.start(both);
  const keep = [`${sentinel}-key`, `${sentinel}-token`];
  await desk.home.write("services/secrets/key", keep[0] ?? "", 0o600);
  await desk.home.write("get.value", `${keep[1]}\n`, 0o600);
  const told: string[] = [];
  const run = async (line: string) => {
    for (const each of [line, `${line} --json`]) {
      const { out, err } = await desk.run(each);
      told.push(out, err);
    }
  };
  const lines = [
    ...["plan", "plan shop", "deploy shop", "deploy shop --recreate", "deploy shop --plan 12"],
    ...["status", "status shop", "ps", "list", "history shop", "diff shop", "service show shop"],
    ...["events shop", "audit", "sync", "rollback shop 1 --yes", "deploy shop --attach"],
  ];
  for (const line of lines) await run(line);
  desk.node.runtime.fail("createSecret", undefined, { times: 2 });
  await desk.home.write("services/secrets/key", `${sentinel}-other`, 0o600);
  await run("deploy shop");
  desk.node.runtime.fail("run", undefined, { times: 2 });
  await run("deploy shop --recreate");
  strictEqual(desk.inside("token"), keep[1]);
  await run("remove shop --yes");

  await desk.node.stop();
  told.push(logs.text, desk.node.runtime.calls.join("\n"));
  for await (const file of filesBelow(desk.node.folder)) {
    told.push(new TextDecoder("latin1").decode(await Deno.readFile(file)));
  }
  const found = told.filter((text) => text.includes(sentinel));
  deepStrictEqual(found, []);
  ok(told.some((text) => text.includes("createSecret mcp.shop.key.1")));
  ok(told.some((text) => text.includes("version 1")));
});

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* filesBelow(path);
    else yield path;
  }
}
