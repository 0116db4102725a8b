/**
 * A node with a history: what ran before MCP came is found, adopted, exported and then deployed.
 *
 * Everything is real and reached by the command line only.
 *
 * @module
 */

import { match, ok, strictEqual } from "node:assert/strict";
import { startDemoNode } from "../../deploy/demo/demo_node.ts";
import { builtPrograms } from "../support/built_programs.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

Deno.test("an operator brings a node under control that already runs containers", async () => {
  await using place = await ThrowAwayFolder.make();
  const timeout = AbortSignal.timeout(1_800_000);
  const { folder: programs } = await builtPrograms();
  const folders = { folder: place.path, serviceRoot: place.at("srv"), programs };
  await using node = await startDemoNode(folders, timeout);
  const { operator, pagePort } = node;
  const hello = await operator.run(["grep", "image", "hello.toml"]);
  const image = /"(?<image>[^"]+hello-web):v1"/.exec(hello)?.groups?.["image"];
  ok(image !== undefined);
  const page = () => operator.run(["curl", "--silent", `http://127.0.0.1:${pagePort}/`]);
  const made = () =>
    operator.run(["podman", "inspect", "--format={{.Id}} {{.State.StartedAt}}", "legacy-web"]);

  operator.say("Somebody has run a container by hand");
  await operator.run(["rm", "hello.toml"]);
  await operator.run([
    ...["podman", "run", "--detach", "--quiet", "--name=legacy-web", "--env=TZ=UTC"],
    "--add-host=db:192.0.2.7",
    ...[`--publish=127.0.0.1:${pagePort}:8080`, "--restart=unless-stopped", `${image}:v1`],
  ]);
  const before = await made();

  operator.say("A sync without any definition finds it and leaves it alone");
  match(await operator.run(["mcp", "sync"]), /legacy-web.*left alone/);

  operator.say("Adopting it restarts nothing, and says what a deploy would lose");
  match(await operator.run(["mcp", "adopt", "legacy"]), /extra hosts: db:192\.0\.2\.7/);
  strictEqual(await made(), before);

  operator.say("Its definition, from what runs");
  await operator.run(["mcp", "service", "export", "legacy"]);
  const definition = await operator.run(["cat", "legacy.toml"]);
  match(definition, /TZ = "UTC"/);
  match(definition, new RegExp(`127\\.0\\.0\\.1:${pagePort}:8080`));
  const status = JSON.parse(await operator.run(["mcp", "status", "legacy", "--json"]));
  strictEqual(JSON.stringify(status.nodes[0].drift), "[]");
  match(await operator.run(["mcp", "sync"]), /legacy +no +up to date/);
  strictEqual(await made(), before);

  operator.say("From here on it is deployed like any other");
  await operator.run(["sed", "--in-place", "s/hello-web:v1/hello-web:v2/", "legacy.toml"]);
  await operator.run(["mcp", "deploy", "legacy"]);
  match(await page(), /hello-web v2/);
  ok(await made() !== before);
});
