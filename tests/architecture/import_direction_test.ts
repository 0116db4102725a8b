/**
 * Who may import whom: the map of the house as data, checked against its import statements.
 *
 * A mirror, not a fence: where a rule stands in the way of something better, change the rule and
 * its reason with it.
 *
 * @module
 */

import { deepStrictEqual, ok } from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** What the files below some paths may import of the house. */
interface Room {
  /** Paths of files, or of folders with a slash at the end. */
  readonly files: readonly string[];
  /** All that may be imported, besides the room itself. */
  readonly only?: readonly string[];
  readonly never?: readonly string[];
  /** Whether `import type` counts as well; what is erased cannot touch anything. */
  readonly typesCount: boolean;
  readonly because: string;
}

/**
 * The agent's wings, from the top down: a call goes down once and comes back with an answer, and no
 * wing imports from one above it.
 */
const agentWings = [
  "agent/door/",
  "agent/change/",
  "agent/watch/",
  "agent/node/",
  "agent/locks/",
  "agent/runtime/",
  "agent/registry/",
];

/** All of them but the door's own speech. */
const behindTheDoor = ["agent/door/auth/", ...agentWings.slice(1)];

const rooms: readonly Room[] = [
  {
    files: ["lib/"],
    never: ["agent/", "cli/", "deploy/", "tests/"],
    typesCount: true,
    because: "it is what both halves agree on, and knows neither",
  },
  {
    files: ["lib/domain/"],
    only: ["lib/errors.ts"],
    typesCount: true,
    because: "the rules about the nouns must run anywhere, without any permission",
  },
  {
    files: ["lib/wire/"],
    only: ["lib/domain/", "lib/errors.ts", "proto/gen/"],
    typesCount: true,
    because: "it translates, and does nothing else",
  },
  {
    files: ["lib/rpc/"],
    only: ["lib/errors.ts", "lib/pem.ts"],
    typesCount: true,
    because: "it carries any service, and so knows none",
  },
  {
    files: ["lib/system/"],
    only: ["lib/errors.ts"],
    typesCount: true,
    because: "the outside world does not depend on us",
  },
  {
    files: ["lib/http/"],
    only: ["lib/errors.ts", "lib/pem.ts"],
    typesCount: true,
    because: "it carries any question, and so knows none",
  },
  {
    files: ["lib/mcias/"],
    only: ["lib/domain/", "lib/errors.ts", "lib/http/"],
    typesCount: true,
    because: "it must be replaceable in one place when its contract changes",
  },
  {
    files: ["lib/oidc/"],
    only: ["lib/domain/", "lib/errors.ts", "lib/http/"],
    typesCount: true,
    because:
      "any provider that keeps the standards will do, and what its tokens mean is for others",
  },
  {
    files: ["lib/toml/"],
    only: ["lib/domain/", "lib/errors.ts"],
    typesCount: true,
    because: "any file that people write is read by it, whatever it is about",
  },
  {
    files: ["proto/gen/"],
    only: [],
    typesCount: true,
    because: "it is generated, and compiles for others too",
  },
  {
    files: ["cli/"],
    never: ["agent/", "deploy/", "tests/"],
    typesCount: true,
    because: "the two halves meet on the wire only",
  },
  {
    files: ["agent/"],
    never: ["cli/", "deploy/", "tests/"],
    typesCount: true,
    because: "the two halves meet on the wire only",
  },
  {
    files: [
      "cli/agents/",
      "cli/definitions/",
      "cli/export/",
      "cli/identity/",
      "cli/import/",
      "cli/output/",
      "cli/settings/",
      "cli/terminal/",
    ],
    never: ["cli/command_line/", "cli/commands/", "cli/program.ts", "cli/run.ts"],
    typesCount: true,
    because: "what commands are made of does not know which commands there are",
  },
  {
    files: ["cli/definitions/"],
    never: ["proto/gen/"],
    typesCount: true,
    because: "definitions are the operator's files; lib/wire makes messages of them",
  },
  {
    files: [
      "cli/definitions/definition.ts",
      "cli/definitions/dotenv.ts",
      "cli/definitions/dotenv_lines.ts",
      "cli/definitions/sources.ts",
    ],
    never: ["lib/system/"],
    typesCount: true,
    because: "a definition is read without any of the files and commands that it speaks of",
  },
  {
    files: ["cli/import/"],
    only: [
      "lib/domain/",
      "lib/errors.ts",
      "cli/definitions/dotenv.ts",
      "cli/definitions/dotenv_lines.ts",
      "cli/definitions/secret_variables.ts",
      "cli/definitions/sources.ts",
      "cli/output/",
    ],
    typesCount: true,
    because: "what another tool's file means is decided without reading anything by itself",
  },
  {
    files: ["cli/export/"],
    only: ["lib/domain/", "cli/output/"],
    typesCount: true,
    because: "what another tool is told is decided from the spec alone, and written by others",
  },
  {
    files: behindTheDoor,
    never: ["proto/gen/", "lib/wire/", "lib/rpc/", "agent/door/rpc/"],
    typesCount: true,
    because: "the rooms behind the door speak the domain's words, and can be used without it",
  },
  {
    files: [...agentWings, "agent/config.ts", "agent/permissions.ts"],
    never: ["agent/assemble.ts", "agent/main.ts", "agent/processes/"],
    typesCount: true,
    because: "what is put together does not know who puts it together",
  },
  {
    files: ["agent/registry/"],
    only: ["lib/domain/", "lib/errors.ts"],
    typesCount: true,
    because: "what is remembered must not depend on what is done",
  },
  {
    files: ["agent/runtime/"],
    only: ["lib/domain/", "lib/errors.ts", "lib/log.ts", "lib/system/"],
    typesCount: true,
    because: "another container runtime must fit in its place",
  },
  {
    files: ["agent/runtime/"],
    never: ["lib/system/"],
    typesCount: false,
    because: "programs are run by what it is handed",
  },
  {
    files: ["agent/door/", "agent/change/", "agent/watch/", "agent/locks/", "agent/registry/"],
    never: ["agent/runtime/podman/"],
    typesCount: true,
    because: "nobody but the assembly knows which runtime there is",
  },
  {
    files: [
      "agent/change/images/prune_plan.ts",
      "agent/permissions.ts",
      "agent/watch/probes/health_rules.ts",
      "agent/watch/reconcile/claims.ts",
      "agent/watch/reconcile/drift.ts",
      "agent/watch/reconcile/ownership.ts",
      "agent/watch/reconcile/reconcile.ts",
      "agent/change/rollout/allowed.ts",
      "agent/change/rollout/decide.ts",
      "agent/change/rollout/in_order.ts",
      "agent/change/rollout/plan.ts",
      "agent/change/rollout/steps.ts",
      "agent/change/secrets/choose.ts",
      "agent/change/secrets/needed.ts",
    ],
    only: [
      "agent/watch/reconcile/ownership.ts",
      "agent/change/rollout/steps.ts",
      "agent/change/secrets/choose.ts",
      "lib/domain/",
      "lib/errors.ts",
    ],
    typesCount: false,
    because: "deciding touches nothing",
  },
  {
    files: [
      "agent/node/doctor/account_findings.ts",
      "agent/node/accounts.ts",
      "agent/node/doctor/agent_findings.ts",
      "agent/node/doctor/certificate_findings.ts",
      "agent/node/doctor/findings.ts",
      "agent/node/doctor/fixes.ts",
      "agent/node/doctor/machine_findings.ts",
      "agent/node/doctor/runtime_findings.ts",
      "agent/node/doctor/space.ts",
      "agent/node/doctor/systemd.ts",
    ],
    never: ["agent/node/doctor/facts.ts", "agent/runtime/", "agent/registry/", "lib/system/"],
    typesCount: false,
    because: "what is seen is judged by rules that see nothing themselves",
  },
  {
    files: ["agent/node/install/install_plan.ts", "agent/node/install/uninstall_plan.ts"],
    only: [
      "agent/node/install/layout.ts",
      "agent/node/install/own_file.ts",
      "agent/node/install/steps.ts",
      "agent/node/install/subordinate_ids.ts",
      "agent/node/install/unit_text.ts",
      "lib/errors.ts",
    ],
    typesCount: false,
    because: "what would be done to a machine is decided without touching it",
  },
  {
    files: ["agent/", "lib/", "cli/", "proto/gen/"],
    never: ["agent/node/identity/"],
    typesCount: false,
    because: "the certificate library costs the server memory: `init` alone loads it, when it runs",
  },
  {
    files: ["deploy/demo/", "deploy/sandbox/"],
    never: ["agent/", "cli/", "lib/", "proto/"],
    typesCount: true,
    because: "they work with what is built, as an operator does",
  },
  {
    files: ["deploy/build/"],
    only: ["agent/program.ts", "cli/grants.ts", "deploy/sandbox/command.ts", "lib/version.ts"],
    typesCount: true,
    because: "of what it builds it knows the names and the permissions, and no more",
  },
  {
    files: ["tests/stories/"],
    never: ["agent/", "cli/", "lib/", "proto/"],
    typesCount: true,
    because: "stories see the programs only",
  },
];

/** What only some files may use. */
interface SoleUser {
  /** A package by its name, or text that stands in a program. */
  readonly uses: string | RegExp;
  readonly files: readonly string[];
  readonly because: string;
}

const soleUsers: readonly SoleUser[] = [
  {
    uses: "@grpc/grpc-js",
    files: [
      "lib/rpc/",
      "tests/bench/peers/bare_call.ts",
      "tests/bench/peers/bare_server.ts",
      "tests/component/hostile_test.ts",
    ],
    because:
      "its options are easy to get wrong, and TLS hangs on them; one test sends rubbish, two peers are bare",
  },
  {
    uses: "node:sqlite",
    files: [
      "agent/registry/registry.ts",
      "agent/registry/backup.ts",
      "tests/component/registry_test.ts",
      "tests/component/backup_test.ts",
      "tests/support/counted_sql.ts",
      "tests/support/hostile.ts",
      "tests/boot/scene.ts",
    ],
    because:
      "one file opens the registry, one copies it; tests damage it, try to escape, count, look at a copy",
  },
  {
    uses: "zod",
    files: [
      "agent/config.ts",
      "agent/registry/stored_spec.ts",
      "agent/runtime/podman/api_output.ts",
      "agent/runtime/podman/description.ts",
      "agent/runtime/podman/output.ts",
      "cli/settings/config.ts",
      "cli/definitions/",
      "lib/mcias/",
      "lib/oidc/",
      "lib/toml/",
      "tests/",
    ],
    because: "what comes from outside is decoded at the door, and believed inside",
  },
  {
    uses: "pkijs",
    files: ["agent/node/identity/"],
    because: "certificates are made in one place",
  },
  {
    uses: "asn1js",
    files: ["agent/node/identity/"],
    because: "certificates are made in one place",
  },
  {
    uses: "jose",
    files: ["agent/door/auth/oidc.ts", "tests/"],
    because: "what makes a token right is said in one place",
  },
  {
    uses: "oidc-provider",
    files: ["tests/support/"],
    because: "it is a provider to test with, and no part of the programs",
  },
  {
    uses: "@decimalturn/toml-patch",
    files: ["lib/toml/"],
    because: "its quirks are told and worked around in one place",
  },
  {
    uses: "yaml",
    files: ["cli/import/compose/yaml.ts", "tests/component/cli_export_test.ts"],
    because:
      "its aliases are bombs: they are written out, and weighed, in one place; one test reads ours",
  },
  {
    uses: "@logtape/logtape",
    files: ["lib/log.ts"],
    because: "all loggers are declared in one place",
  },
  {
    uses: "@optique/core",
    files: [
      "agent/command_line.ts",
      "agent/main.ts",
      "agent/processes/",
      "agent/program.ts",
      "cli/",
    ],
    because: "only entries and commands read arguments",
  },
  {
    uses: "node:https",
    files: ["agent/watch/probes/http.ts", "lib/http/", "tests/"],
    because: "whom lib/http asks must show the right certificate; a component need only answer",
  },
  {
    uses: "node:child_process",
    files: ["tests/support/hostile.ts"],
    because: "programs are run with a deadline, by lib/system/exec.ts; one tries to escape",
  },
  {
    uses: "fast-check",
    files: ["tests/"],
    because: "only tests need it; unit tests are not looked at here",
  },
  {
    uses: /\bDeno\.Command\b/,
    files: [
      "deploy/",
      "lib/system/exec.ts",
      "lib/system/follow.ts",
      "lib/system/foreground.ts",
      "proto/generate.ts",
      "tests/",
    ],
    because: "a program is run to its end, followed, or given the terminal: each in one way",
  },
  {
    uses: /(?<![.\w])fetch\(/,
    files: ["deploy/", "lib/http/", "tests/"],
    because: "nobody else asks anything by HTTP",
  },
];

/** One import statement of a file. */
interface Import {
  readonly from: string;
  /** A path of the house, or the name of a package. */
  readonly to: string;
  readonly isType: boolean;
  /** Whether it is loaded only when it is asked for. */
  readonly isDynamic: boolean;
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const top = ["agent", "cli", "deploy", "lib", "proto", "tests"];
const texts = new Map<string, string>();
for (const folder of top) await readSources(folder);
/** Unit tests lie beside the code, and may import what stands in for the world. */
const sources = [...texts.keys()]
  .filter((file) => !file.endsWith("_test.ts") || file.startsWith("tests/"))
  .sort();
const imports = sources.flatMap((file) => importsOf(file, texts.get(file) ?? ""));

async function readSources(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
    const path = `${folder}/${name}`;
    if (isDirectory) await readSources(path);
    else if (name.endsWith(".ts")) texts.set(path, await Deno.readTextFile(join(root, path)));
  }
}

/**
 * The imports of a file. A statement begins its line, so that what stands in comments and in
 * programs that tests write is none.
 */
function importsOf(file: string, text: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: string, kind: { isType?: boolean; isDynamic?: boolean }) =>
    found.push({
      from: file,
      to: specifier.startsWith(".")
        ? relative(root, join(root, dirname(file), specifier))
        : specifier,
      isType: kind.isType ?? false,
      isDynamic: kind.isDynamic ?? false,
    });
  const statement = /^(?:import|export)\s+(?<type>type\s+)?(?:[^"';]*?\sfrom\s+)?"(?<to>[^"]+)"/gm;
  for (const { groups } of text.matchAll(statement)) {
    add(groups?.["to"] ?? "", { isType: groups?.["type"] !== undefined });
  }
  for (const [, specifier] of text.matchAll(/(?<!typeof )\bimport\(\s*"([^"]+)"/g)) {
    add(specifier ?? "", { isDynamic: true });
  }
  return found;
}

function isBelow(file: string, paths: readonly string[]): boolean {
  return paths.some((path) => path.endsWith("/") ? file.startsWith(path) : file === path);
}

function isOfHouse({ to }: Import): boolean {
  return top.some((folder) => to.startsWith(`${folder}/`));
}

function formatImport({ from, to }: Import): string {
  return `${from} imports ${to}`;
}

Deno.test({
  name: "the imports of the house are found",
  permissions: "none",
  fn: () => {
    ok(sources.length > 100, `${sources.length} files`);
    ok(imports.filter(isOfHouse).length > 300, `${imports.length} imports`);
    const lost = imports.filter((edge) => isOfHouse(edge) && !texts.has(edge.to));
    deepStrictEqual(lost.map(formatImport), []);
  },
});

for (const { files, only, never, typesCount, because } of rooms) {
  const subject = files.length > 3 ? `${files.slice(0, 3).join(", ")}, …` : files.join(", ");
  const rule = only === undefined
    ? `never imports ${never?.join(", ")}`
    : `imports ${only.join(", ") || "nothing of the house"}${never === undefined ? "" : "…"} only`;
  Deno.test({
    name: `${subject} ${rule}${typesCount ? "" : " but types"}: ${because}`,
    permissions: "none",
    fn: () => {
      // A room that has moved away would make its rule true of nothing.
      for (const path of files) {
        ok(sources.some((file) => isBelow(file, [path])), `there is no ${path} any more`);
      }
      const own = files.length === 1 || only === undefined ? files : [];
      const wrong = imports.filter((edge) =>
        isBelow(edge.from, files) && isOfHouse(edge) && !edge.isDynamic &&
        (typesCount || !edge.isType) &&
        (isBelow(edge.to, (never ?? []).filter((path) => !isBelow(edge.from, [path]))) ||
          (only !== undefined && !isBelow(edge.to, [...only, ...own])))
      );
      deepStrictEqual(wrong.map(formatImport), []);
    },
  });
}

Deno.test({
  name: "no wing of the agent imports from one above it",
  permissions: "none",
  fn: () => {
    const wingOf = (file: string) => agentWings.findIndex((wing) => isBelow(file, [wing]));
    const wrong = imports.filter(({ from, to }) =>
      wingOf(from) >= 0 && wingOf(to) >= 0 && wingOf(to) < wingOf(from)
    );
    deepStrictEqual(wrong.map(formatImport), []);
    for (const wing of agentWings) ok(imports.some(({ to }) => isBelow(to, [wing])), wing);
  },
});

Deno.test({
  name: "no file imports itself by way of others, not even for a type",
  permissions: "none",
  fn: () => {
    const importedBy = Map.groupBy(imports.filter((edge) => isOfHouse(edge)), ({ from }) => from);
    const done = new Set<string>();
    const circles: string[] = [];
    const follow = (file: string, path: readonly string[]) => {
      const at = path.indexOf(file);
      if (at >= 0) circles.push([...path.slice(at), file].join(" -> "));
      if (at >= 0 || done.has(file)) return;
      for (const { to } of importedBy.get(file) ?? []) follow(to, [...path, file]);
      done.add(file);
    };
    for (const file of sources) follow(file, []);
    deepStrictEqual(circles, []);
  },
});

for (const { uses, files, because } of soleUsers) {
  const what = typeof uses === "string" ? uses : uses.source.replaceAll(/\\b|\\|\(\?<!.*?\)/g, "");
  const who = files.length === 0 ? "nobody" : files.join(", ");
  Deno.test({
    name: `${what} is used by ${who} only: ${because}`,
    permissions: "none",
    fn: () => {
      const users = typeof uses === "string"
        ? imports.filter(({ to }) => to === uses || to.startsWith(`${uses}/`)).map(({ from }) =>
          from
        )
        : sources.filter((file) => uses.test(withoutComments(texts.get(file) ?? "")));
      deepStrictEqual([...new Set(users)].filter((file) => !isBelow(file, files)), []);
      for (const path of files.filter((path) => path !== "tests/")) {
        ok(users.some((file) => isBelow(file, [path])), `${path} uses it no more`);
      }
    },
  });
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

Deno.test({
  name: "nobody but tests imports tests, and nobody imports a test",
  permissions: "none",
  fn: () => {
    const all = [...texts].flatMap(([file, text]) => importsOf(file, text));
    const wrong = all.filter(({ from, to }) =>
      to.endsWith("_test.ts") ||
      (to.startsWith("tests/") && !from.startsWith("tests/") && !from.endsWith("_test.ts"))
    );
    deepStrictEqual(wrong.map(formatImport), []);
  },
});

Deno.test({
  name: "unit tests see their own half only, and what stands in for the world",
  permissions: "none",
  fn: () => {
    const wrong = [...texts].filter(([file]) => file.endsWith("_test.ts"))
      .flatMap(([file, text]) => importsOf(file, text))
      .filter(({ from, to }) =>
        (from.startsWith("agent/") && isBelow(to, ["cli/"])) ||
        (from.startsWith("cli/") && isBelow(to, ["agent/"])) ||
        (from.startsWith("lib/") && isBelow(to, ["agent/", "cli/"]))
      );
    deepStrictEqual(wrong.map(formatImport), []);
  },
});

Deno.test({
  name: "files are named after what is in them: no barrels, no drawers",
  permissions: "none",
  fn: () => {
    const wrong = [...texts.keys()].filter((file) => {
      const name = file.split("/").at(-1) ?? "";
      if (file.startsWith("proto/gen/") || file === "agent/registry/migrations/index.ts") {
        return false;
      }
      return !/^[a-z0-9]+(_[a-z0-9]+)*\.ts$/.test(name) ||
        /^(mod|index|utils?|helpers?|common|misc|shared)\.ts$/.test(name) ||
        /\/(utils?|helpers?|common|misc|shared)\//.test(file);
    });
    deepStrictEqual(wrong, []);
  },
});
