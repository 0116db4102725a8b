/** `mcp service show | export | edit`: between the agent's copy and the operator's file. */

import fc from "fast-check";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { parseDefinition } from "../../cli/definitions/definition.ts";
import { setActive } from "../../cli/definitions/set_active.ts";
import { writeDefinition } from "../../cli/definitions/write_definition.ts";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import { healthCheckDefaults } from "../../lib/domain/health_check.ts";
import { complaintsAbout } from "../../lib/domain/service_spec.ts";
import { McpError } from "../../lib/errors.ts";
import { realFiles } from "../../lib/system/files.ts";
import { type Script, startNode } from "../support/scripted_node.ts";
import { denoDir, json, processArgv, Workstation } from "../support/workstation.ts";

const declared = {
  name: "mcr",
  active: true,
  components: [{
    name: "api",
    image: "registry.example/mcr:v2",
    restart: "unless-stopped",
    ports: ["127.0.0.1:18443:8443"],
    cmd: ["serve", 'a "quoted"\n\u001b[31m\u202eword'],
  }],
};
const deployed = {
  ...declared,
  components: [{ ...declared.components[0]!, image: "registry.example/mcr:v1" }],
};
const knows: Script = { getServiceSpec: () => ({ declared, deployed }) };
const knowsNothing: Script = {
  getServiceSpec: () => {
    throw new McpError("not_found", "There is no such service");
  },
  listServices: () => ({ services: [{ name: "mcr" }] }),
};

const asDefinition = `name = "mcr"
node = "rift"
active = true

[[components]]
name = "api"
image = "registry.example/mcr:v2"
ports = ["127.0.0.1:18443:8443"]
cmd = ["serve", "a \\"quoted\\"\\n\\u001b[31m\\u202eword"]
`;

// --- Show ------------------------------------------------------------------------

Deno.test("service show prints the agent's copy as a definition that can be used", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knows);
  await using vade = await startNode("vade", knowsNothing);
  await home.know(vade, rift);
  const { code, out, err } = await home.run("service show mcr");
  strictEqual(code, 0, err);
  strictEqual(out, asDefinition);
  match(
    (await home.run("service show mcr --deployed")).out,
    /^image = "registry.example\/mcr:v1"$/m,
  );
  const shown = json(await home.run("service show mcr --json"));
  deepStrictEqual([shown.node, shown.copy, shown.spec.components[0]], ["rift", "declared", {
    name: "api",
    image: "registry.example/mcr:v2",
    network: "",
    user: "",
    restart: "unless-stopped",
    ports: declared.components[0]?.ports,
    volumes: [],
    cmd: declared.components[0]?.cmd,
  }]);
});

Deno.test("service show says which service was meant, and what was never deployed", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knowsNothing);
  await using vade = await startNode("vade", { getServiceSpec: () => ({ declared }) });
  await home.know(rift);
  const unknown = await home.run("service show mrc");
  strictEqual(unknown.code, 4);
  match(unknown.err, /No node manages a service "mrc"\nNext: Did you mean "mcr"\?/);
  await home.know(vade);
  const undeployed = await home.run("service show mcr --deployed");
  strictEqual(undeployed.code, 4);
  match(undeployed.err, /Nothing of "mcr" was ever deployed on "vade"/);
});

Deno.test("service show of two nodes goes by the definition, or by --node", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knows);
  await using vade = await startNode("vade", knows);
  await home.know(rift, vade);
  const two = await home.run("service show mcr");
  strictEqual(two.code, 5);
  match(two.err, /The nodes "rift" and "vade" both know the service "mcr"\nNext: .*--node/);
  strictEqual(json(await home.run("service show mcr --node vade --json")).node, "vade");
  await home.write("services/mcr.toml", asDefinition);
  strictEqual(json(await home.run("service show mcr --json")).node, "rift");
});

// --- Export -----------------------------------------------------------------------

Deno.test("service export writes a definition that says what the node has", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knows);
  await home.know(rift);
  const file = join(home.folder, "services", "mcr.toml");
  const first = await home.run("service export mcr");
  strictEqual(first.code, 0, first.err);
  strictEqual(first.out, `Wrote ${file}, as node "rift" has it\n`);
  strictEqual(await home.read("services/mcr.toml"), asDefinition);
  const again = await home.run("service export mcr --json");
  deepStrictEqual(json(again), { service: "mcr", node: "rift", file, changed: false });
});

Deno.test("service export leaves a file alone that says the same in other words", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knows);
  await home.know(rift);
  const commented = `# mine\n${asDefinition}restart = "unless-stopped" # as always\n`;
  const file = await home.write("services/mcr.toml", commented);
  const { code, out } = await home.run("service export mcr --force");
  deepStrictEqual([code, out], [0, `${file} says the same already\n`]);
  strictEqual(await home.read("services/mcr.toml"), commented);
});

Deno.test("service export does not overwrite a file that says something else without --force", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knows);
  await home.know(rift);
  const file = await home.write(
    "services/mcr.toml",
    asDefinition.replace("mcr:v2", "mcr:v3").replace("= true", "= false"),
    0o640,
  );
  const { code, err } = await home.run("service export mcr");
  strictEqual(code, 5);
  match(err, /^ {2}active: false in the file, true on the node$/m);
  match(
    err,
    /components\.api\.image: "registry\.example\/mcr:v3" in the file, ".*:v2" on the node/,
  );
  match(err, /Next: `mcp service export mcr --force` overwrites it, -f FILE writes elsewhere/);
  match(await home.read("services/mcr.toml") ?? "", /mcr:v3/);
  strictEqual((await home.run("service export mcr --force")).code, 0);
  strictEqual(await home.read("services/mcr.toml"), asDefinition);
  strictEqual(await realFiles.mode(file), 0o640);
});

Deno.test("service export -f writes elsewhere, and spares what is no definition there", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knows);
  await home.know(rift);
  const file = await home.write("elsewhere.toml", "my notes\n");
  const refused = await home.run(["service", "export", "mcr", "-f", file]);
  strictEqual(refused.code, 5);
  strictEqual(await home.read("elsewhere.toml"), "my notes\n");
  const other = join(home.folder, "other.toml");
  strictEqual((await home.run(["service", "export", "mcr", "-f", other])).code, 0);
  strictEqual(await home.read("other.toml"), asDefinition);
  strictEqual(await home.read("services/mcr.toml"), undefined);
});

Deno.test("service export refuses what no definition can say", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    getServiceSpec: ({ name }) =>
      name === "mcr"
        ? { declared: { name, components: [{ name: "api", image: "--privileged" }] } }
        : { declared: { name } },
  });
  await home.know(rift);
  const senseless = await home.run("service export mcr");
  strictEqual(senseless.code, 5);
  match(senseless.err, /components\[0\]\.image: expected an image reference/);
  const empty = await home.run("service export found");
  strictEqual(empty.code, 5);
  match(
    empty.err,
    /Cannot export "found" of node "rift": it has no spec of it\nNext: Run `mcp adopt/,
  );
});

const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
const anyComponent: fc.Arbitrary<ComponentSpec> = fc.record({
  name,
  image: name.map((text) => `registry.example/${text}:v1`),
  network: fc.constantFrom("", "edge", "host"),
  user: fc.constantFrom("", "0:0", "www-data"),
  restart: fc.constantFrom("unless-stopped", "no", "on-failure:3"),
  ports: fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 2 })
    .map((ports) => ports.map((port) => `${port}:80`)),
  volumes: fc.constantFrom([], ["/srv/mcr:/srv/mcr:ro"], ["data:/data", "/a b/ü:/c"]),
  cmd: fc.array(
    fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }))
      .map((text) => text.replaceAll("\0", "")),
    { maxLength: 4 },
  ),
  kind: fc.constant("service" as const),
  entrypoint: fc.constantFrom([], ["/bin/tini", "--"]),
  env: fc.dictionary(
    fc.constantFrom("TZ", "with.dot", "A_B", "name", "active", "env", "x-y"),
    fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\0", "")),
    { noNullPrototype: true },
  ),
  workdir: fc.constantFrom("", "/a b"),
  hostname: fc.constantFrom("", "mcr"),
  labels: fc.constantFrom<ComponentSpec["labels"]>(
    {},
    { "org.example/team": 'a "b"' },
    { "org.example/team": "[components]", image: "x", "a.b.c": "", "#": "# no" },
  ),
  healthcheck: fc.constantFrom<ComponentSpec["healthcheck"]>(
    undefined,
    { probe: { kind: "exec", command: ["test", "-f", "/a b"] }, ...healthCheckDefaults },
    { ...healthCheckDefaults, probe: { kind: "http", port: 80, path: "/x?y" }, retries: 9 },
    { ...healthCheckDefaults, probe: { kind: "tcp", port: 80 }, intervalMs: 1_500 },
  ),
  memory: fc.constantFrom("", "512m"),
  cpus: fc.constantFrom(0, 0.5, 2),
  pids: fc.nat(10),
  ulimits: fc.constantFrom({}, { nofile: "1024:2048" }),
  capAdd: fc.constantFrom([], ["NET_RAW"]),
  capDrop: fc.constantFrom([], ["ALL"]),
  readOnly: fc.boolean(),
  tmpfs: fc.constantFrom([], ["/tmp:size=64m"]),
  devices: fc.constantFrom([], ["/dev/fuse"]),
  stopSignal: fc.constantFrom("", "SIGQUIT"),
  stopTimeoutMs: fc.option(fc.nat(100_000), { nil: undefined }),
  pull: fc.constantFrom("always" as const, "missing" as const, "never" as const),
  privileged: fc.boolean(),
  hostNamespaces: fc.constantFrom([], ["pid" as const]),
}, { noNullPrototype: true }).map((base): ComponentSpec => ({ ...componentDefaults, ...base }));

Deno.test({
  name: "writeDefinition() writes of every spec what parses back to it",
  permissions: "none",
  fn: () =>
    fc.assert(fc.property(
      fc.boolean(),
      fc.uniqueArray(anyComponent, { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
      (active, components) => {
        const spec = { name: "mcr", active, components };
        fc.pre(complaintsAbout(spec).length === 0);
        const text = writeDefinition({ nodeName: "rift", spec });
        const read = (written: string) =>
          parseDefinition(written, "mcr.toml", {
            service: "mcr",
            because: "as the file is called",
            nodeNames: ["rift"],
          });
        deepStrictEqual(read(text), { nodeName: "rift", spec });
        const other = setActive(text, !active);
        deepStrictEqual(read(other), { nodeName: "rift", spec: { ...spec, active: !active } });
        strictEqual(setActive(other, active), text);
      },
    )),
});

// --- Edit -------------------------------------------------------------------------

/** An editor that runs a script on the file; the script sees it as "$1". */
async function editorOf(home: Workstation, script: string): Promise<string> {
  const path = await home.write("editor", `#!/bin/sh\nset -e\n${script}\n`, 0o755);
  return path;
}

async function servicesFolder(home: Workstation): Promise<string[]> {
  return await realFiles.list(join(home.folder, "services"));
}

Deno.test("service edit saves what makes sense, in one step and with the mode of before", async () => {
  await using home = new Workstation();
  await home.know({ name: "rift", address: "192.0.2.7:1", token: "t" });
  const file = await home.write("services/mcr.toml", `# mine\n${asDefinition}`, 0o640);
  const EDITOR = await editorOf(home, `sed -i s/mcr:v2/mcr:v3/ "$1"; test -e "${file}"`);
  const { code, out, err } = await home.run("service edit mcr", { env: { EDITOR } });
  strictEqual(code, 0, err);
  strictEqual(
    out,
    `Saved ${file}\nNext: Run \`mcp deploy mcr\` to tell node "rift"\n`,
  );
  match(await home.read("services/mcr.toml") ?? "", /^# mine\n[^]*mcr:v3/);
  strictEqual(await realFiles.mode(file), 0o640);
  deepStrictEqual(await servicesFolder(home), ["mcr.toml"]);
});

Deno.test("service edit hands over words apart, and takes VISUAL where there is no EDITOR", async () => {
  await using home = new Workstation();
  await home.know({ name: "rift", address: "192.0.2.7:1", token: "t" });
  await home.write("services/mcr.toml", asDefinition);
  const VISUAL = await editorOf(home, `test "$1" = --say; test "$2" = '$HOME;x'; test $# = 3`);
  const { code, out, err } = await home.run("service edit mcr", {
    env: { EDITOR: "", VISUAL: `${VISUAL} --say  $HOME;x` },
  });
  deepStrictEqual([code, err], [0, ""]);
  match(out, /mcr\.toml is unchanged\n$/);
});

Deno.test("service edit starts from the agent's copy where there is no file", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knows);
  await home.know(rift);
  const EDITOR = await editorOf(home, "true");
  const { code, err } = await home.run("service edit mcr", { env: { EDITOR } });
  strictEqual(code, 0, err);
  strictEqual(await home.read("services/mcr.toml"), asDefinition);
});

Deno.test("service edit keeps what it refuses, and the definition as it was", async () => {
  await using home = new Workstation();
  await home.know({ name: "rift", address: "192.0.2.7:1", token: "t" });
  const file = await home.write("services/mcr.toml", asDefinition);
  const EDITOR = await editorOf(home, `sed -i 's/rift/rfit/; s/^image/imgae/' "$1"`);
  const { code, err } = await home.run("service edit mcr", { env: { EDITOR } });
  strictEqual(code, 2);
  match(err, /mcr\.toml:2: node: expected a node of the config \(rift\), found "rfit"/);
  match(err, /imgae: expected a known key/);
  ok(err.endsWith(`Next: What you wrote is kept in ${file}.rejected\n`), err);
  strictEqual(await home.read("services/mcr.toml"), asDefinition);
  match(await home.read("services/mcr.toml.rejected") ?? "", /^imgae/m);
  deepStrictEqual(await servicesFolder(home), ["mcr.toml", "mcr.toml.rejected"]);
});

Deno.test("service edit on a terminal offers to correct mistakes", async () => {
  await using home = new Workstation();
  await home.know({ name: "rift", address: "192.0.2.7:1", token: "t" });
  await home.write("services/mcr.toml", asDefinition);
  // The first time it breaks the file, the second time it mends it.
  const EDITOR = await editorOf(
    home,
    `if grep -q imgae "$1"; then sed -i 's/imgae/image/; s/:v2/:v4/' "$1"
else sed -i s/image/imgae/ "$1"; fi`,
  );
  const { code, err } = await home.run("service edit mcr", { env: { EDITOR }, keys: ["\r"] });
  strictEqual(code, 0, err);
  match(err, /imgae: expected a known key[^]*Edit it again\? \[Y\/n\]/);
  match(await home.read("services/mcr.toml") ?? "", /mcr:v4/);
  const refused = await home.run("service edit mcr", { env: { EDITOR }, keys: ["n\r"] });
  strictEqual(refused.code, 2);
  match(await home.read("services/mcr.toml.rejected") ?? "", /imgae/);
});

Deno.test("service edit that is called off by the editor changes nothing", async () => {
  await using home = new Workstation();
  await home.know({ name: "rift", address: "192.0.2.7:1", token: "t" });
  await home.write("services/mcr.toml", asDefinition);
  const EDITOR = await editorOf(home, "exit 1");
  const { code, err } = await home.run("service edit mcr", { env: { EDITOR } });
  strictEqual(code, 5);
  match(err, /The editor .* ended with exit code 1\nNext: Nothing was changed/);
  deepStrictEqual(await servicesFolder(home), ["mcr.toml"]);
});

Deno.test("service edit does not overwrite what another hand wrote in the meantime", async () => {
  await using home = new Workstation();
  await home.know({ name: "rift", address: "192.0.2.7:1", token: "t" });
  const file = await home.write("services/mcr.toml", asDefinition);
  const EDITOR = await editorOf(home, `sed -i s/:v2/:v3/ "$1"; echo "# other" >> "${file}"`);
  const { code, err } = await home.run("service edit mcr", { env: { EDITOR } });
  strictEqual(code, 5);
  match(err, /it was changed in the meantime\nNext: What you wrote is kept in/);
  strictEqual(await home.read("services/mcr.toml"), `${asDefinition}# other\n`);
});

Deno.test("service edit without its editor, or without the permission, says what to do", async () => {
  await using home = new Workstation();
  await home.know({ name: "rift", address: "192.0.2.7:1", token: "t" });
  await home.write("services/mcr.toml", asDefinition);
  const absent = await home.run("service edit mcr", { env: { EDITOR: "no-such-editor" } });
  strictEqual(absent.code, 4);
  match(absent.err, /Cannot open the editor: Cannot start "no-such-editor": there is no such/);
  match(absent.err, /Next: Set EDITOR/);

  const [program = "", ...args] = processArgv("service", "edit", "mcr");
  const { code, stderr } = await new Deno.Command(program, {
    args,
    env: { HOME: home.home, DENO_DIR: await denoDir(), EDITOR: "true", NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const err = new TextDecoder().decode(stderr);
  strictEqual(code, 3, err);
  match(
    err,
    /Cannot start "true": this process may not start it\nNext: Grant it with --allow-run=true/,
  );
  deepStrictEqual(await servicesFolder(home), ["mcr.toml"]);
});
