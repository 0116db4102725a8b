/**
 * The first day on a node that runs containers already, through the command line: a whole agent
 * with its registry, files and gRPC over TLS; only podman is stood in for.
 */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { realFiles } from "../../lib/system/files.ts";
import { ample, TestNode } from "../support/test_node.ts";
import { json, Workstation } from "../support/workstation.ts";

Deno.test("an operator takes over what a node runs: sync, adopt, export, edit, push, pull, events", async () => {
  await using node = await TestNode.start();
  node.runtime.publish("registry.example/mcr:v1");
  node.runtime.publish("registry.example/mcr:v2");
  await node.runtime.runByHand("mcr-api", {
    image: "registry.example/mcr:v1",
    unexpressed: ["environment: TZ"],
  });
  await using home = new Workstation();
  await home.write("ca.pem", node.ca);
  await home.write(
    "mcp.toml",
    `[[nodes]]\nname = "rift"\naddress = "${node.address}"\nca_cert = "ca.pem"\n`,
  );
  await home.write("tokens/rift", `${node.adminToken}\n`, 0o600);
  const file = join(home.folder, "services", "mcr.toml");
  const well = async (line: string | readonly string[], env = {}) => {
    const outcome = await home.run(line, { env });
    strictEqual(outcome.code, 0, `${line}: ${outcome.out}${outcome.err}`);
    return outcome.out;
  };

  // What runs there is found, and left alone.
  match(await well("sync"), /^rift +mcr-api +no +found on the node, not managed; left alone$/m);

  match(await well("adopt mcr --dry-run"), /^mcr-api +api +would be adopted$/m);
  const adopted = await well("adopt mcr");
  match(adopted, /^mcr-api +api +adopted$/m);
  match(adopted, /mcr\/api: a deploy would lose: environment: TZ/);

  strictEqual(await well("service export mcr"), `Wrote ${file}, as node "rift" has it\n`);
  strictEqual(await well("service show mcr"), await home.read("services/mcr.toml"));
  strictEqual(await well("service export mcr"), `${file} says the same already\n`);
  match(await well("sync"), /^rift +mcr +no/m);
  match(await well("status mcr"), /^1 component: all as they should be$/m);

  const editor = await home.write("editor", '#!/bin/sh\nsed -i s/mcr:v1/mcr:v2/ "$1"\n', 0o755);
  match(await well("service edit mcr", { EDITOR: editor }), /Run `mcp deploy mcr`/);
  await well("deploy mcr");
  match(await well("status mcr"), /^rift +mcr +api +running +running .* v2 +\d+/m);

  await realFiles.writeText(join(home.home, "mcr.conf"), "key = 1\n", { mode: 0o640 });
  await well(["push", join(home.home, "mcr.conf"), "mcr", "conf/mcr.conf"]);
  strictEqual(
    await realFiles.readText(join(node.serviceRoot, "mcr", "conf", "mcr.conf")),
    "key = 1\n",
  );
  const pulled = join(home.home, "pulled.conf");
  await well(["pull", "mcr", "conf/mcr.conf", pulled]);
  strictEqual(await realFiles.mode(pulled), 0o640);
  const escaped = await home.run("pull mcr ../../mcp.db -");
  deepStrictEqual([escaped.code, escaped.bytes.byteLength], [2, 0]);

  const { calls } = json(await home.run("audit --json"));
  deepStrictEqual(
    calls.filter(({ method }: { method: string }) => method === "RollOut")
      .map(({ outcome, service }: { outcome: string; service: string }) => [outcome, service]),
    [["OK", "mcr"]],
  );

  // What happens while it is followed, and then once more from the log.
  const interruption = new AbortController();
  let printed = "";
  const following = home.run("events mcr --follow --since 2000-01-01 --json", {
    interrupted: interruption.signal,
    onOut: (out) => {
      printed = out;
      if (/"next_state":"stopped"/.test(out)) interruption.abort();
    },
  });
  await node.client().stopService({ name: "mcr" }, ample);
  strictEqual((await following).code, 130);
  const followed = printed.trimEnd().split("\n").map((line) => JSON.parse(line));
  deepStrictEqual(followed, json(await home.run("events mcr --json")).events);
});
