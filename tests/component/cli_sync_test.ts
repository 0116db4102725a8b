/** `mcp sync`: from definition files to what each node is told, and what it answers. */

import { create } from "@bufbuild/protobuf";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { McpAgent } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { deadNode, type Script, startNode } from "../support/scripted_node.ts";
import { json, Workstation } from "../support/workstation.ts";

function definition(name: string, node: string, more = ""): string {
  return `name = "${name}"
node = "${node}"
${more}
[[components]]
name = "api"
image = "registry.example/${name}:v1"
`;
}

const syncs: Script = {
  syncDesiredState: ({ services }) => ({
    results: [
      ...services.map(({ name, active }) => ({
        name,
        changed: !active,
        summary: active ? "" : "stopped",
      })),
      { name: "found", changed: false, summary: "left alone" },
    ],
  }),
};

Deno.test("sync tells each node its own definitions, and shows what the node knows besides", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", syncs);
  await using vade = await startNode("vade", syncs);
  await home.know(rift, vade);
  await home.write("services/mcr.toml", definition("mcr", "rift"));
  await home.write("services/metacrypt.toml", definition("metacrypt", "rift", "active = false"));
  const { code, out, err } = await home.run("sync");
  strictEqual(code, 0, err);
  strictEqual(
    out,
    `NODE  SERVICE    CHANGED  SUMMARY
rift  mcr        no
rift  metacrypt  yes      stopped
rift  found      no       left alone
vade  found      no       left alone

No definition mentions some of these; they were left alone
Next: \`mcp adopt <service>\` claims running containers, \`mcp service export <service>\` writes a definition
`,
  );
  deepStrictEqual(rift.requests, [create(McpAgent.method.syncDesiredState.input, {
    services: ["mcr", "metacrypt"].map((name) => ({
      name,
      active: name === "mcr",
      components: [{
        name: "api",
        image: `registry.example/${name}:v1`,
        restart: "unless-stopped",
        kind: "service",
        pull: "always",
      }],
    })),
  })]);
  deepStrictEqual(vade.requests, [create(McpAgent.method.syncDesiredState.input, {})]);
});

Deno.test("sync without any definition still asks every node what runs there", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", { syncDesiredState: () => ({}) });
  await home.know(rift);
  const { code, out } = await home.run("sync");
  deepStrictEqual([code, rift.calls], [0, ["syncDesiredState"]]);
  match(out, /^rift {2}knows no service and no container$/m);
});

Deno.test("sync tells all mistakes of all definitions, and sends nothing", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", syncs);
  await home.know(rift);
  await home.write("services/mcr.toml", definition("mrc", "rfit"));
  await home.write("services/Bad Name.toml", definition("Bad Name", "rift"));
  await home.write("services/torn.toml", "name = ");
  await home.write("services/metacrypt.toml", definition("metacrypt", "rift"));
  await home.write("services/.mcr.edit.toml", "not a definition");
  await home.write("services/README.md", "not one either");
  const { code, out, err } = await home.run("sync");
  strictEqual(code, 2);
  strictEqual(out, "");
  match(err, /Cannot use the definitions in .*services: 5 mistakes in 3 definitions\n/);
  match(err, /Bad Name\.toml:1: name: expected a service name/);
  match(err, /mcr\.toml:1: name: expected "mcr", as the file is called, found "mrc"/);
  match(err, /mcr\.toml:2: node: expected a node of the config \(rift\), found "rfit"/);
  match(err, /torn\.toml:1: /);
  deepStrictEqual(rift.calls, []);
});

Deno.test("sync --node tells one node only", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", syncs);
  await using vade = await startNode("vade", syncs);
  await home.know(rift, vade);
  await home.write("services/mcr.toml", definition("mcr", "rift"));
  strictEqual((await home.run("sync --node vade")).code, 0);
  deepStrictEqual([rift.calls, vade.calls], [[], ["syncDesiredState"]]);
  const unknown = await home.run("sync --node vdae");
  strictEqual(unknown.code, 4);
  match(unknown.err, /There is no node "vdae" in the config\nNext: Did you mean "vade"\?/);
});

Deno.test("sync keeps a row for a node that is down, and exits with 7", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", syncs);
  await home.know(rift, deadNode("vade"));
  await home.write("services/mcr.toml", definition("mcr", "rift"));
  await home.write("services/dns.toml", definition("dns", "vade"));
  const { code, out } = await home.run("sync");
  strictEqual(code, 7);
  match(out, /^rift +mcr +no$/m);
  match(out, /^vade {2}Node "vade" did not answer/m);
  const { nodes } = json(await home.run("sync --json"));
  deepStrictEqual(nodes[0], {
    name: "rift",
    services: [
      { name: "mcr", changed: false, defined: true, summary: "", error: null },
      { name: "found", changed: false, defined: false, summary: "left alone", error: null },
    ],
  });
  ok(nodes[1].error.kind === "unavailable");
});

Deno.test("sync exits with 8 when a node refuses a service, and says why", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    syncDesiredState: () => ({
      results: [{ name: "mcr", summary: "refused: taken", error: "taken" }],
    }),
  });
  await home.know(rift);
  await home.write("services/mcr.toml", definition("mcr", "rift"));
  const { code, out } = await home.run("sync");
  strictEqual(code, 8);
  match(out, /^rift +mcr +no +refused: taken$/m);
});
