/** `mcp service import`: whole files with reviewed texts, the command itself, and whatever YAML there is. */

import fc from "fast-check";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { parseDefinition } from "../../cli/definitions/definition.ts";
import { writeDefinition } from "../../cli/definitions/write_definition.ts";
import { importService } from "../../cli/import/import.ts";
import { Sources } from "../../cli/import/sources.ts";
import { McpError } from "../../lib/errors.ts";
import { realFiles } from "../../lib/system/files.ts";
import { goldenImports, importCases, importedTexts } from "../support/import_cases.ts";
import { denoDir, json, processArgv, Workstation } from "../support/workstation.ts";

// --- Whole files -----------------------------------------------------------------------

for (const each of importCases) {
  Deno.test(`import of ${each.name} says what was reviewed (deno task golden)`, async () => {
    const { definition, report } = await importedTexts(each);
    const golden = async (ending: string) =>
      await Deno.readTextFile(new URL(`${each.name}.${ending}`, goldenImports));
    strictEqual(definition, await golden("toml"));
    strictEqual(report, await golden("txt"));
    const service = /^name = "(.*)"$/m.exec(definition)?.[1] ?? "";
    parseDefinition(definition, `${service}.toml`, {
      service,
      because: "the service that is imported",
      nodeNames: ["rift"],
    });
  });
}

// --- The command -----------------------------------------------------------------------

const nodes = (...names: readonly string[]) =>
  names.map((name) => `[[nodes]]\nname = "${name}"\naddress = "127.0.0.1:1"\n`).join("\n");

const compose = `services:
  web:
    image: registry.example/web:\${TAG}
    restart: always
    dns: 1.1.1.1
    environment: {DB_PASSWORD: hush}
`;

const asDefinition = `name = "shop"
node = "rift"
active = true

[[components]]
name = "web"
image = "registry.example/web:v1"
restart = "always"
env = { DB_PASSWORD = "hush" }
`;

Deno.test("service import writes a definition and tells what it could not say", async () => {
  await using home = new Workstation();
  await home.write("mcp.toml", nodes("rift"));
  const file = await home.write("shop/compose.yaml", compose);
  await home.write("shop/.env", "TAG=v1\n");
  const { code, out, err } = await home.run(["service", "import", file]);
  strictEqual(code, 0, err);
  const target = join(home.folder, "services", "shop.toml");
  match(
    out,
    new RegExp(`^Wrote ${target}, 1 component of ${file}: 1 needs you, 1 changed, 1 left out`),
  );
  match(out, /^web\n {2}needs you {2}.*:6 environment\.DB_PASSWORD: .*secret in plain text$/m);
  match(out, /^ {2}left out {3}.*compose\.yaml:5 dns: its name servers$/m);
  match(out, /Next: Read it, then run `mcp deploy shop`/);
  strictEqual(await home.read("services/shop.toml"), asDefinition);
  // It holds what looks like a secret.
  strictEqual(await realFiles.mode(target), 0o600);
  match((await home.run(["service", "import", file])).out, /^Unchanged: /);
});

Deno.test("service import does not overwrite a definition without --force", async () => {
  await using home = new Workstation();
  await home.write("mcp.toml", nodes("rift"));
  const file = await home.write("shop/compose.yaml", compose.replace("${TAG}", "v1"));
  const mine = await home.write("services/shop.toml", "# mine\n", 0o640);
  const refused = await home.run(["service", "import", file]);
  strictEqual(refused.code, 5);
  match(refused.err, /it is there, and says something else\nNext: --force overwrites it, --stdout/);
  strictEqual(await home.read("services/shop.toml"), "# mine\n");
  strictEqual((await home.run(["service", "import", file, "--force"])).code, 0);
  strictEqual(await home.read("services/shop.toml"), asDefinition);
  strictEqual(await realFiles.mode(mine), 0o640);
});

Deno.test("service import --stdout prints the definition alone, without any config", async () => {
  await using home = new Workstation();
  const file = await home.write("shop/compose.yaml", compose.replace("${TAG}", "v1"));
  const line = ["service", "import", file, "--stdout", "--node", "rift"];
  const { code, out, err, bytes } = await home.run(line);
  strictEqual(code, 0, err);
  deepStrictEqual([out, new TextDecoder().decode(bytes)], ["", asDefinition]);
  match(err, /^1 component of .*\n\nAll of it\n/);
  const withoutNode = await home.run(["service", "import", file, "--stdout"]);
  strictEqual(withoutNode.code, 4);
});

Deno.test("service import --json prints the notes and the definition", async () => {
  await using home = new Workstation();
  await home.write("mcp.toml", nodes("rift", "vade"));
  const file = await home.write("shop/compose.yaml", compose.replace("${TAG}", "v1"));
  const line = ["service", "import", file, "--json", "--node", "vade", "--name", "boutique"];
  const { notes, definition, ...rest } = json(await home.run(line));
  deepStrictEqual(rest, {
    service: "boutique",
    node: "vade",
    file: join(home.folder, "services", "boutique.toml"),
    changed: true,
    components: ["web"],
  });
  match(definition, /^name = "boutique"\nnode = "vade"\n/);
  deepStrictEqual(notes.find(({ key }: { key: string }) => key === "services.web.dns"), {
    component: "web",
    fate: "left_out",
    file,
    line: 5,
    key: "services.web.dns",
    what: "its name servers",
    todo: "The network's or the node's own are asked",
  });
});

Deno.test("service import asks which node is meant, and knows those there are", async () => {
  await using home = new Workstation();
  await home.write("mcp.toml", nodes("rift", "vade"));
  const file = await home.write("shop/compose.yaml", compose.replace("${TAG}", "v1"));
  const unsaid = await home.run(["service", "import", file]);
  strictEqual(unsaid.code, 2);
  match(unsaid.err, /Next: Say it with --node: rift, vade/);
  const unknown = await home.run(["service", "import", file, "--node", "rfit"]);
  strictEqual(unknown.code, 4);
  match(unknown.err, /Did you mean "rift"\?/);
});

Deno.test("service import tells mistakes with their lines, and writes nothing", async () => {
  await using home = new Workstation();
  await home.write("mcp.toml", nodes("rift"));
  const file = await home.write("shop/compose.yaml", "services:\n  web:\n    user: a b\n");
  const { code, err } = await home.run(["service", "import", file]);
  strictEqual(code, 2);
  match(err, /it has 2 mistakes/);
  match(err, /compose\.yaml:2: services\.web: image: expected an image reference/);
  match(err, /compose\.yaml:3: services\.web\.user: user: expected "user"/);
  strictEqual(await home.read("services/shop.toml"), undefined);
});

const unreadable: readonly [given: string, line: readonly string[], code: number, err: RegExp][] = [
  ["a file that is not there", ["none.yaml"], 4, /There is no file .*none\.yaml/],
  ["a folder", ["shop"], 2, /it is a folder/],
  ["no text", ["bytes.yaml"], 2, /it is no text in UTF-8/],
  ["a file that is too large", ["large.yaml"], 2, /262144 are the limit/],
  ["two Compose files", ["a.yaml", "b.yaml"], 2, /several Compose files/],
  ["a Compose file and a quadlet", ["a.yaml", "b.container"], 2, /at once/],
  ["variables for a quadlet", ["b.container", "--env-file", "x"], 2, /about Compose files/],
  ["no file", [], 2, /./],
];

for (const [given, line, code, err] of unreadable) {
  Deno.test(`service import refuses ${given}`, async () => {
    await using home = new Workstation();
    await home.write("mcp.toml", nodes("rift"));
    await home.write("shop/x", "");
    await home.write("large.yaml", `a: ${"x".repeat(300_000)}\n`);
    await realFiles.writeFile(join(home.folder, "bytes.yaml"), Uint8Array.of(0xff, 0xfe, 0), {
      mode: 0o644,
    });
    const words = line.map((word) => word.startsWith("--") ? word : join(home.folder, word));
    const outcome = await home.run(["service", "import", ...words]);
    strictEqual(outcome.code, code, outcome.err);
    match(outcome.err, err);
  });
}

Deno.test("service import works with the permissions of mcp, and takes nothing from the shell", async () => {
  await using home = new Workstation();
  await home.write("mcp.toml", nodes("rift"));
  const file = await home.write("shop/compose.yaml", compose);
  const [program = "", ...args] = processArgv("service", "import", file, "--stdout");
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    env: { HOME: home.home, DENO_DIR: await denoDir(), TAG: "of-the-shell", LOG_TOKENS: "1" },
    clearEnv: true,
    signal: AbortSignal.timeout(600_000),
  }).output();
  // Without its tag the image is none: the variable is not taken from where it is.
  strictEqual(code, 2, new TextDecoder().decode(stdout));
  match(new TextDecoder().decode(stderr), /registry\.example\/web:/);
});

// --- Whatever YAML there is --------------------------------------------------------------

/** Imports the text; what comes of it is a definition that can be read, or a refusal. */
function importsOrRefuses(text: string, units: boolean): boolean {
  const file = units ? "a.container" : "compose.yaml";
  const sources = new Sources();
  sources.put(file, text);
  for (const beside of [".env", "compose.override.yml", "compose.override.yaml", "a.env"]) {
    sources.put(beside, beside === ".env" ? 'A=1\nB="${A}"\n' : undefined);
  }
  try {
    const { spec, sources: elsewhere } = importService(sources, {
      files: [file],
      folder: "/home/ada",
      folderName: "shop",
      name: undefined,
      envFiles: [],
      profiles: [],
    });
    const expectations = { service: spec.name, because: "it is", nodeNames: ["rift"] };
    const definition = writeDefinition({
      nodeName: "rift",
      spec,
      ...(elsewhere && { sources: elsewhere }),
    });
    deepStrictEqual(parseDefinition(definition, "f.toml", expectations).spec, spec);
    return true;
  } catch (error) {
    ok(error instanceof McpError, String(error));
    ok(error.kind === "invalid" || error.kind === "not_found", `${error.kind}: ${error.message}`);
    return false;
  }
}

const fields = (
  "image build command entrypoint environment env_file ports expose volumes networks network_mode " +
  "depends_on restart deploy healthcheck user working_dir hostname labels cap_add cap_drop " +
  "privileged read_only tmpfs devices ulimits mem_limit cpus pids_limit stop_signal " +
  "stop_grace_period pull_policy secrets configs profiles extends scale container_name shm_size " +
  "pid ipc uts links dns x-mine whatever __proto__"
).split(" ");
const words = [
  "a",
  "web",
  "db",
  "nginx:1",
  "a.example/b:v1",
  "8080:80",
  "3000-3002:80-82/udp",
  "./x:/y:ro",
  "/srv/shop/a:/b",
  "data:/c",
  "${A}",
  "${B:-x}",
  "$$",
  "${",
  "true",
  "no",
  "host",
  "CMD",
  "NONE",
  "1m30s",
  "64m",
  "0400",
  "A=1",
  "=",
  "",
  " ",
  "🦕",
  "\u0000",
  "a'b",
  "service:db",
  "service_healthy",
  "service_completed_successfully",
  "[",
  "-1",
  "1e99",
];
const keys = [
  "a",
  "web",
  "db",
  "condition",
  "test",
  "interval",
  "retries",
  "target",
  "published",
  "source",
  "type",
  "resources",
  "limits",
  "memory",
  "cpus",
  "replicas",
  "restart_policy",
  "soft",
  "hard",
  "file",
  "service",
  "context",
  "args",
  "path",
  "required",
  "aliases",
  "name",
  "external",
  "bind",
  "tmpfs",
  "size",
  "mode",
  "__proto__",
  "constructor",
  "<<",
];

const anyValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...words),
    fc.constantFrom(null, true, false, 0, 1, -1, 1.5, 8080),
    fc.string({ maxLength: 20, unit: "binary" }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 4 }),
  ),
})).value;
const anyService = fc.dictionary(fc.constantFrom(...fields), anyValue, { maxKeys: 8 });
/** Mostly of the right shape, so that more than the first step is reached. */
const likelyService = fc.dictionary(fc.constantFrom(...fields), anyValue, { maxKeys: 2 })
  .map((service) => ({ ...service, image: "a.example/web:v1" }));
const anyProject = fc.record({
  services: fc.dictionary(
    fc.constantFrom("a", "web", "db", "my_app.web", "__proto__"),
    fc.oneof(likelyService, likelyService, anyService, anyValue),
    { minKeys: 1, maxKeys: 3 },
  ),
  volumes: fc.oneof(fc.constant({ data: null }), anyValue),
  networks: anyValue,
  secrets: anyValue,
  configs: anyValue,
  name: fc.oneof(fc.constant("shop"), anyValue),
}, { requiredKeys: ["services"] });

Deno.test("import of any Compose file is a definition that can be read, or a refusal", () => {
  let imported = 0;
  // JSON is YAML.
  fc.assert(
    fc.property(anyProject, (project) => {
      if (importsOrRefuses(JSON.stringify(project), false)) imported++;
    }),
    { numRuns: 1_500 },
  );
  ok(imported > 50, `only ${imported} were imported`);
});

Deno.test("import of any text is a definition that can be read, or a refusal", () => {
  const pieces = fc.constantFrom(
    "services:",
    "\n",
    "  ",
    "web",
    ": ",
    "image",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "&a ",
    "*a",
    "<<: ",
    "? ",
    "| ",
    ">-",
    '"',
    "'",
    "#",
    "---",
    "...",
    "!!str ",
    "!x ",
    "%YAML 1.1",
    "\t",
    "$",
    "\\",
    "=",
    "[Container]",
    "Image",
    "Exec=",
    "Volume=",
    "Environment=",
    "a.example/b",
    "%h/",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60 }), fc.boolean(), (parts, units) => {
      importsOrRefuses(parts.join(""), units);
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("import of any quadlet is a definition that can be read, or a refusal", () => {
  const unitKeys = (
    "Image Exec Entrypoint Environment EnvironmentFile PublishPort Volume Mount Network User Group " +
    "WorkingDir HostName Label AddCapability DropCapability ReadOnly Tmpfs AddDevice Ulimit " +
    "PidsLimit Memory ShmSize HealthCmd HealthInterval HealthRetries Secret StopTimeout StopSignal " +
    "Pull ContainerName Notify Whatever"
  ).split(" ");
  const line = fc.tuple(
    fc.constantFrom(...unitKeys),
    fc.oneof(
      fc.constantFrom(...words, "%h/a:/b", "x.network", '["a", 1]', "a.volume:/x", "%n", "a=b,c"),
      fc.string({ maxLength: 20 }),
    ),
  ).map(([key, value]) => `${key}=${value}`);
  let imported = 0;
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      const unit = ["[Container]", "Image=a.example/web:v1", ...lines].join("\n");
      if (importsOrRefuses(unit, true)) imported++;
    }),
    { numRuns: 1_500 },
  );
  ok(imported > 50, `only ${imported} were imported`);
});

// --- What is made to hurt ------------------------------------------------------------------

Deno.test("import of files that are made to hurt is refused with bounded memory", async () => {
  const limit = 256 * 1024 - 16;
  const laughs = Array.from(
    { length: 500 },
    (_, at) => `a${at}: &a${at} [${Array(9).fill(at === 0 ? "lol" : `*a${at - 1}`).join(",")}]`,
  );
  const texts = [
    laughs.join("\n"),
    "[".repeat(limit),
    "- ".repeat(limit / 2),
    "{}[]".repeat(limit / 16),
    `services: {a: {image: x, command: "${"${A:-".repeat(40_000)}"}}`,
  ];
  const script = `
    import { importService } from ${
    JSON.stringify(new URL("../../cli/import/import.ts", import.meta.url).href)
  };
    import { Sources } from ${
    JSON.stringify(new URL("../../cli/import/sources.ts", import.meta.url).href)
  };
    const kinds = [];
    for (const text of JSON.parse(await new Response(Deno.stdin.readable).text())) {
      const sources = new Sources();
      sources.put("compose.yaml", text);
      try {
        importService(sources, { files: ["compose.yaml"], folder: "/", folderName: "x", envFiles: [], profiles: [] });
        kinds.push("imported");
      } catch (error) { kinds.push(error.kind); }
    }
    console.log(kinds.join(" "));
  `;
  // In 512 MB: whatever needs more ends the process.
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-check", "--v8-flags=--max-old-space-size=512", script],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(600_000),
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(texts)));
  await writer.close();
  const { stdout, stderr } = await child.output();
  strictEqual(
    new TextDecoder().decode(stdout).trim(),
    texts.map(() => "invalid").join(" "),
    new TextDecoder().decode(stderr),
  );
});
