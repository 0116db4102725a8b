/** `mcp service export --format kube|quadlet`: reviewed files, what readers make of any spec, the command. */

import fc from "fast-check";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { foreignFormats } from "../../cli/export/exported.ts";
import { toKube } from "../../cli/export/kube/kube.ts";
import { type Yaml, yamlText } from "../../cli/export/kube/yaml_text.ts";
import { healthCommand } from "../../cli/export/quadlet/container.ts";
import { toQuadlet } from "../../cli/export/quadlet/quadlet.ts";
import { importService } from "../../cli/import/import.ts";
import { Sources } from "../../cli/import/sources.ts";
import { canonicalSpec } from "../../lib/domain/canonical_spec.ts";
import type { ComponentSpec } from "../../lib/domain/component_spec.ts";
import type { HealthCheck } from "../../lib/domain/health_check.ts";
import { complaintsAbout, type ServiceSpec } from "../../lib/domain/service_spec.ts";
import { realFiles } from "../../lib/system/files.ts";
import { exportCases, exportedFiles, goldenExports } from "../support/export_cases.ts";
import { anyRunnableSpec } from "../support/runnable_specs.ts";
import { startNode } from "../support/scripted_node.ts";
import { json, Workstation } from "../support/workstation.ts";

// --- Whole files -------------------------------------------------------------------------

for (const each of exportCases) {
  for (const format of foreignFormats) {
    Deno.test(`export of ${each.service} as ${format} says what was reviewed (deno task golden)`, async () => {
      for (const { name, text } of await exportedFiles(each, format)) {
        const golden = new URL(`${each.service}/${name}`, goldenExports);
        strictEqual(text, await Deno.readTextFile(golden), name);
      }
    });
  }

  Deno.test(`export of ${each.service} writes all files that were reviewed`, async () => {
    const written = await Promise.all(foreignFormats.map((format) => exportedFiles(each, format)));
    const names = await Array.fromAsync(
      Deno.readDir(new URL(`${each.service}/`, goldenExports)),
      ({ name }) => name,
    );
    deepStrictEqual(written.flat().map(({ name }) => name).sort(), names.sort());
  });
}

// --- What readers make of any spec ---------------------------------------------------------

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.array(
    fc.constantFrom("$", "$$", "$(A)", "${A}", "%", "%h", "\\", '"', "'", "\n", " ", ";", "#", "="),
    { maxLength: 6 },
  ).map((parts) => parts.join("")),
  fc.constantFrom("no", "1e3", "0o7", "~", "- a", "a: b", "[x]", "{}", "---", "...", "&a", "*a"),
  // Half of a pair is no character; a definition has none.
).map((text) => text.replaceAll("\0", "").toWellFormed());

const anyCheck: fc.Arbitrary<HealthCheck | undefined> = fc.option(
  fc.record({
    probe: fc.array(anyText, { minLength: 1, maxLength: 3 })
      .filter(([first]) => first !== "")
      .map((command) => ({ kind: "exec" as const, command })),
    intervalMs: fc.constantFrom(1_500, 30_000),
    timeoutMs: fc.constantFrom(500, 5_000),
    retries: fc.integer({ min: 1, max: 5 }),
    startPeriodMs: fc.constantFrom(0, 30_000, 600_000),
  }, { noNullPrototype: true }),
  { nil: undefined },
);

const anyComponent: fc.Arbitrary<ComponentSpec> = fc.tuple(
  anyRunnableSpec({
    images: ["registry.example/web:v1"],
    folder: "/srv/shop",
    network: "shop_net",
    prefix: "shop",
  }),
  fc.record({
    cmd: fc.array(anyText, { maxLength: 4 }),
    entrypoint: fc.oneof(
      fc.constant<string[]>([]),
      fc.array(anyText, { minLength: 1, maxLength: 3 }).filter(([first]) => first !== ""),
    ),
    env: fc.dictionary(fc.constantFrom("A", "B", "C.d-e"), anyText, { noNullPrototype: true }),
    labels: fc.dictionary(fc.constantFrom("a", "b.example/c"), anyText, { noNullPrototype: true }),
    healthcheck: anyCheck,
    memory: fc.constantFrom("", "64m", "1073741824"),
    cpus: fc.constantFrom(0, 0.5, 1.25),
    pull: fc.constantFrom("always" as const, "missing" as const, "never" as const),
    hostNamespaces: fc.subarray(["pid" as const, "ipc" as const]),
    secrets: fc.constantFrom([], [
      { name: "pw", target: "/run/secrets/pw", mode: 0o400, uid: 0, gid: 0 },
      { name: "key", target: "/etc/it's.key", mode: 0o444, uid: 1000, gid: 5 },
    ]),
  }, { noNullPrototype: true }),
).map(([runnable, change]) => ({ ...runnable, ...change }));

function service(component: ComponentSpec): ServiceSpec {
  return { name: "shop", active: true, components: [component] };
}

/** The component as it is after an export as quadlets and an import of them. */
function throughQuadlets(component: ComponentSpec): ComponentSpec | undefined {
  const { files } = toQuadlet(service(component));
  const sources = new Sources();
  for (const { name, text } of files) sources.put(name, text);
  return importService(sources, {
    files: files.map(({ name }) => name),
    folder: "/home/ada",
    folderName: "shop",
    name: "shop",
    envFiles: [],
    profiles: [],
  }).spec.components[0];
}

/** What of a component quadlets say in another way, or not at all; each of it is told. */
function asQuadletsSay(component: ComponentSpec): ComponentSpec {
  const { entrypoint, cmd, healthcheck: check, secrets, restart, ulimits } = component;
  const canBeArguments = cmd.every((word) => word !== "" && word !== ";");
  const merges = entrypoint.length > 0 && !canBeArguments;
  return {
    ...component,
    restart: restart === "unless-stopped" ? "always" : restart.split(":")[0] ?? "",
    entrypoint: merges ? [...entrypoint, ...cmd] : entrypoint,
    cmd: merges ? [] : cmd.filter((word) => word !== "" && word !== ";"),
    healthcheck: check === undefined || healthCommand(check) === undefined ? undefined : {
      ...check,
      startPeriodMs: Math.max(check.startPeriodMs, check.retries * check.intervalMs),
    },
    secrets: secrets.map((secret) => ({ ...secret, name: `shop-${secret.name}` })),
    ulimits,
    // podman's own, which an import does not name.
    network: component.network === "bridge" ? "" : component.network,
  };
}

Deno.test({
  name: "toQuadlet() writes of every spec what an import reads as the same",
  permissions: "none",
  fn() {
    let count = 0;
    fc.assert(
      fc.property(anyComponent, (component) => {
        fc.pre(complaintsAbout(service(component)).length === 0);
        const read = throughQuadlets(component);
        ok(read !== undefined);
        deepStrictEqual(canonicalSpec(read), canonicalSpec(asQuadletsSay(component)));
        count++;
      }),
      { numRuns: 1_000 },
    );
    ok(count > 500, `only ${count} were compared`);
  },
});

/** What the YAML library looks at to find out whether somebody debugs it. */
const readingYaml = { env: ["LOG_TOKENS", "LOG_STREAM"] };

/** Plain data of YAML, without what is left out of maps. */
function pruned(value: Yaml): unknown {
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(pruned);
  const entries = Object.entries(value).flatMap(([key, each]) => {
    const text = each === undefined ? "" : yamlText({ key: each });
    return text === "" || each === undefined ? [] : [[key, pruned(each)] as const];
  });
  return Object.fromEntries(entries);
}

/** Every document, read by both versions of YAML; they must not differ. */
function documentsOf(text: string): unknown[] {
  const [older, newer] = (["1.1", "1.2"] as const).map((version) =>
    parseAllDocuments(text, { version }).map((document) => {
      deepStrictEqual(document.errors, []);
      return document.toJS() as unknown;
    })
  );
  deepStrictEqual(older, newer);
  return newer ?? [];
}

const anyYaml = fc.letrec<{ value: Yaml }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    anyText,
    fc.integer(),
    fc.boolean(),
    fc.array(tie("value"), { minLength: 1, maxLength: 3 }),
    fc.dictionary(anyText, tie("value"), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
  ),
})).value;

Deno.test({
  name:
    "yamlText() writes what a YAML library reads as the same, by its old rules and its new ones",
  permissions: readingYaml,
  fn: () =>
    fc.assert(
      fc.property(fc.dictionary(anyText, anyYaml, { noNullPrototype: true }), (value) => {
        fc.pre(Object.keys(value).length > 0 && !JSON.stringify(value).includes('"__proto__"'));
        deepStrictEqual(documentsOf(yamlText(value)), [pruned(value)]);
      }),
      { numRuns: 1_000 },
    ),
});

/** What Kubernetes makes of a text, by its own words: `$$` is `$`, `$(A)` a variable that there is. */
function expanded(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$(\$|\(([^)]*)\))/g, (whole, _, name?: string) => {
    if (whole === "$$") return "$";
    return name !== undefined && Object.hasOwn(env, name) ? env[name] ?? "" : whole;
  });
}

interface ReadContainer {
  readonly command?: string[];
  readonly args?: string[];
  readonly env?: { readonly name: string; readonly value: string }[];
  readonly livenessProbe?: { readonly exec: { readonly command: string[] } };
}

Deno.test({
  name: "toKube() writes of every spec what Kubernetes reads as the same words",
  permissions: readingYaml,
  fn() {
    fc.assert(
      fc.property(anyComponent, (component) => {
        fc.pre(complaintsAbout(service(component)).length === 0);
        const [file] = toKube(service(component)).files;
        const workload = documentsOf(file?.text ?? "").at(-1) as {
          readonly spec: { readonly containers?: unknown[]; readonly template?: unknown };
        };
        const pod = (workload.spec.template ?? workload) as {
          readonly spec: { readonly containers: ReadContainer[] };
        };
        const { command = [], args = [], env = [], livenessProbe } = pod.spec.containers[0] ?? {};
        const plain = (text: string) => expanded(text, component.env);
        deepStrictEqual(command.map(plain), component.entrypoint);
        deepStrictEqual(args.map(plain), component.cmd);
        deepStrictEqual(
          Object.fromEntries(env.map(({ name, value }) => [name, plain(value)])),
          component.env,
        );
        const { probe } = component.healthcheck ?? {};
        deepStrictEqual(
          livenessProbe?.exec.command,
          probe?.kind === "exec" ? probe.command : undefined,
        );
      }),
      { numRuns: 500 },
    );
  },
});

// --- The command -----------------------------------------------------------------------------

const declared = {
  name: "shop",
  active: true,
  components: [{
    name: "web",
    image: "registry.example/web:v1",
    restart: "always",
    network: "shop",
    env: { DB_PASSWORD: "hush" },
    pids: 10,
  }],
};

async function withNode(prove: (home: Workstation) => Promise<void>): Promise<void> {
  await using home = new Workstation();
  await using rift = await startNode("rift", { getServiceSpec: () => ({ declared }) });
  await home.know(rift);
  await prove(home);
}

const definition = `name = "shop"
node = "rift"

[[components]]
name = "web"
image = "registry.example/web:v1"
env_file = "web.env"
secrets = [{ name = "pw", command = ["false"] }]
healthcheck = { exec = ["true", "x"] }
`;

Deno.test("service export --format kube prints what the node has, and tells the rest on the side", () =>
  withNode(async (home) => {
    const { code, out, err, bytes } = await home.run("service export shop --format kube");
    strictEqual(code, 0, err);
    strictEqual(out, "");
    const text = new TextDecoder().decode(bytes);
    match(text, /^# The service shop, written by `mcp service export`[^]*\nkind: Deployment\n/);
    match(text, /^# {3}web pids: only a kubelet limits processes/m);
    match(
      err,
      /^shop of node "rift" as kube: 1 need you|^shop of node "rift" as kube: 1 needs you/,
    );
    match(err, /\nweb\n[^]*left out {3}pids: only a kubelet limits processes/);
    strictEqual(await home.read("services/shop.toml"), undefined);
  }));

Deno.test("service export --format quadlet prints all units as podman installs them at once", () =>
  withNode(async (home) => {
    const { bytes } = await home.run("service export shop --format quadlet");
    const units = new TextDecoder().decode(bytes).split("---\n");
    deepStrictEqual(units.map((unit) => unit.split("\n")[0]), [
      "# FileName=shop-web",
      "# FileName=shop",
    ]);
    match(units[0] ?? "", /\n\[Container\]\nContainerName=shop-web\n/);
    match(units[1] ?? "", /\n\[Network\]\nNetworkName=shop\n$/);
  }));

Deno.test("service export -o writes files that nobody else may read where there is a secret in them", () =>
  withNode(async (home) => {
    const folder = join(home.home, "units");
    const line = ["service", "export", "shop", "--format", "quadlet", "-o", folder];
    const first = await home.run(line);
    strictEqual(first.code, 0, first.err);
    const unit = join(folder, "shop-web.container");
    match(
      first.out,
      new RegExp(`^Wrote ${unit}\nWrote ${join(folder, "shop.network")}\n\nshop of`),
    );
    strictEqual(await realFiles.mode(unit), 0o600);
    match((await home.run(line)).out, new RegExp(`^Unchanged: ${unit}\nUnchanged: `));
  }));

Deno.test("service export -o writes nothing where a file says something else, but for --force", () =>
  withNode(async (home) => {
    const folder = join(home.home, "units");
    const mine = join(folder, "shop.network");
    await realFiles.writeText(mine, "# mine\n", { mode: 0o640 });
    const line = ["service", "export", "shop", "--format", "quadlet", "-o", folder];
    const refused = await home.run(line);
    strictEqual(refused.code, 5);
    match(refused.err, /Cannot export "shop" to .*: files differ there\n {2}.*shop\.network says/);
    match(refused.err, /Next: --force overwrites them, -o DIR writes elsewhere/);
    deepStrictEqual(await realFiles.list(folder), ["shop.network"]);
    strictEqual((await home.run([...line, "--force"])).code, 0);
    match(await realFiles.readText(mine) ?? "", /NetworkName=shop/);
    strictEqual(await realFiles.mode(mine), 0o640);
  }));

Deno.test("service export --from takes a definition, asks no node and reads no secret", async () => {
  await using home = new Workstation();
  const file = await home.write("elsewhere/shop.toml", definition);
  await home.write("elsewhere/web.env", "A=1\n");
  const line = ["service", "export", "shop", "--format", "kube", "--from", file, "--json"];
  const { files, notes, ...rest } = json(await home.run(line));
  deepStrictEqual(rest, { service: "shop", node: null, format: "kube" });
  deepStrictEqual(files.map(({ text: _, ...each }: { text: string }) => each), [
    { name: "shop.yaml", path: null, changed: false },
  ]);
  match(files[0].text, /\n {12}- name: A\n {14}value: "1"\n/);
  match(files[0].text, /secretName: shop-web-secrets/);
  deepStrictEqual(notes.find(({ key }: { key: string }) => key === "healthcheck"), {
    component: "web",
    fate: "changed",
    key: "healthcheck",
    what: "it is restarted when it is not healthy, where MCP only tells of it",
    todo: "",
  });
});

Deno.test("completion knows the formats of service export, and that it writes into a folder", async () => {
  await using home = new Workstation();
  const line = ["completion", "bash", "service", "export", "shop"];
  const { out } = await home.run([...line, "--format", ""]);
  deepStrictEqual(out.split(/\n+/), ["definition", "kube", "quadlet", ""]);
  strictEqual((await home.run([...line, "-o", ""])).out, "__FILE__:directory:::0\n");
});

const senseless: readonly [given: string, line: string, code: number, err: RegExp][] = [
  ["a file for several", "--format quadlet -f x.toml", 2, /Cannot use -f with --format quadlet/],
  ["a folder for a definition", "-o x", 2, /Cannot use -o with --format definition/],
  [
    "a definition of a definition",
    "--from x.toml",
    2,
    /Cannot use --from with --format definition/,
  ],
  ["a definition and a node", "--format kube --from x.toml --node rift", 2, /--from with --node/],
  ["a format that is none", "--format helm", 2, /helm/],
  ["a definition that is not there", "--format kube --from none.toml", 4, /no file none\.toml/],
];

for (const [given, line, code, err] of senseless) {
  Deno.test(`service export refuses ${given}`, async () => {
    await using home = new Workstation();
    const outcome = await home.run(`service export shop ${line}`);
    strictEqual(outcome.code, code, outcome.err);
    match(outcome.err, err);
  });
}

Deno.test("service export refuses a node's copy that makes no sense", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    getServiceSpec: () => ({ declared: { ...declared, components: [{ name: "web" }] } }),
  });
  await home.know(rift);
  const { code, err } = await home.run("service export shop --format quadlet");
  strictEqual(code, 5);
  match(err, /what it remembers makes no definition/);
});
