/** `mcp history`, `diff`, `remove` and `prune`, against nodes whose answers are written down. */

import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import { deadNode, type Script, startNode } from "../support/scripted_node.ts";
import { json, now, Workstation } from "../support/workstation.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const image = (tag: string) => `registry.example/web:${tag}`;
const at = (minutes: number) => timestampFromDate(new Date(now.getTime() - minutes * 60_000));

const revisions = [
  {
    number: 3,
    actor: "kyle",
    started: at(5),
    finished: at(4),
    outcome: "partial",
    origin: "deploy",
    components: [
      { name: "web", image: image("v3"), outcome: "failed", error: "exit code 1" },
      {
        name: "db",
        image: "registry.example/db:v1",
        imageDigest: digest("d"),
        outcome: "succeeded",
        current: true,
        imageKept: true,
      },
    ],
  },
  {
    number: 2,
    actor: "mo",
    started: at(60),
    finished: at(59),
    outcome: "succeeded",
    origin: "rollback",
    components: [
      {
        name: "web",
        image: image("v1"),
        imageDigest: digest("b"),
        outcome: "succeeded",
        current: true,
        imageKept: true,
      },
    ],
  },
  {
    number: 1,
    actor: "mo",
    started: at(600),
    outcome: "succeeded",
    origin: "deploy",
    components: [
      {
        name: "web",
        image: image("v1"),
        imageDigest: digest("a"),
        outcome: "succeeded",
        imageKept: true,
      },
    ],
  },
];

const spec = (tag: string, env: Readonly<Record<string, string>> = {}) => ({
  name: "hello",
  active: true,
  components: [{ name: "web", image: image(tag), env: { ...env } }],
});

const knows: Script = {
  listRevisions: () => ({ revisions }),
  getServiceSpec: () => ({ declared: spec("v2"), deployed: spec("v1") }),
  getRevision: ({ number }) => {
    const revision = revisions.find((each) => each.number === number);
    if (revision === undefined) throw new McpError("not_found", `There is no revision ${number}`);
    return { revision, spec: spec(number === 1 ? "v1" : "v1", { N: String(number) }) };
  },
};
const knowsNothing: Script = {
  listRevisions: () => {
    throw new McpError("not_found", "There is no such service");
  },
  getServiceSpec: () => {
    throw new McpError("not_found", "There is no such service");
  },
  listServices: () => ({ services: [{ name: "hello" }] }),
};

const definition = `name = "hello"
node = "rift"

[[components]]
name = "web"
image = "registry.example/web:v2"
env = { TZ = "UTC" }
`;

Deno.test("history shows who deployed what when, how it ended, and what can be gone back to", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knows);
  await using vade = await startNode("vade", knowsNothing);
  await home.know(vade, rift);
  const { code, out, err } = await home.run("history hello");
  strictEqual(code, 0, err);
  strictEqual(
    out,
    `NODE  REVISION  WHEN                  BY             OUTCOME    COMPONENT  IMAGE  DIGEST
rift  3         2026-03-01 11:55:00Z  kyle           partial    web        v3     -             exit code 1
rift                                                            db         v1     dddddddddddd  current
rift  2         2026-03-01 11:00:00Z  mo (rollback)  succeeded  web        v1     bbbbbbbbbbbb  current
rift  1         2026-03-01 02:00:00Z  mo             succeeded  web        v1     aaaaaaaaaaaa  image kept
`,
  );
  const { nodes } = json(await home.run("history hello --json --limit 5"));
  strictEqual((rift.requests.at(-1) as { limit: number }).limit, 5);
  deepStrictEqual(nodes[0].revisions[2], {
    number: 1,
    actor: "mo",
    started_at: "2026-03-01T02:00:00.000Z",
    finished_at: null,
    outcome: "succeeded",
    origin: "deploy",
    components: [{
      name: "web",
      image: image("v1"),
      image_digest: digest("a"),
      outcome: "succeeded",
      error: "",
      current: false,
      image_kept: true,
    }],
  });
});

Deno.test("history of an unknown service says which one was meant", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knowsNothing);
  await home.know(rift);
  const { code, err } = await home.run("history helo");
  strictEqual(code, 4);
  match(err, /Did you mean "hello"\?/);
});

Deno.test("completion of rollback and diff suggests the revisions of the service's node", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knows);
  await home.know(rift);
  await home.write("services/hello.toml", definition);
  const words = async (...typed: string[]) =>
    (await home.run(["completion", "bash", ...typed])).out.split("\n").filter((word) =>
      /^\d+$/.test(word)
    );
  deepStrictEqual(await words("rollback", "hello", ""), ["3", "2", "1"]);
  deepStrictEqual(await words("diff", "hello", "1", "2"), ["2"]);
  const asked = rift.calls.length;
  await words("rollback", "hel");
  strictEqual(rift.calls.length, asked, "nothing else is asked of a node");
  await home.know(deadNode("rift"));
  const { err } = await home.run(["completion", "bash", "rollback", "hello", ""]);
  strictEqual(err, "");
});

// --- Diff ---------------------------------------------------------------------------

Deno.test("diff compares what is deployed with what is declared", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knows);
  await home.know(rift);
  await home.write("services/hello.toml", definition);
  const { code, out } = await home.run("diff hello");
  strictEqual(code, 0);
  strictEqual(
    out,
    `hello on rift: deployed → declared

  web  changed
      image   registry.example/web:v1 → registry.example/web:v2
      env.TZ  - → UTC
`,
  );
  strictEqual((await home.run("diff hello --exit-code")).code, 9);
  const same = await home.write(
    "same.toml",
    definition.replace(":v2", ":v1").replace(/env.*\n/, ""),
  );
  const none = await home.run(["diff", "hello", "-f", same, "--exit-code"]);
  deepStrictEqual([none.code, none.out.includes("No difference")], [0, true]);
});

Deno.test("diff compares revisions with each other and with what is deployed, moved tags too", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knows);
  await home.know(rift);
  await home.write("services/hello.toml", definition);
  const { out } = await home.run("diff hello 1 2");
  strictEqual(
    out,
    `hello on rift: revision 1 → revision 2

  web  changed
      image digest  ${digest("a")} → ${digest("b")}
      env.N         1 → 2
`,
  );
  const one = json(await home.run("diff hello 2 --json"));
  deepStrictEqual([one.before, one.after, one.different], ["revision 2", "deployed", true]);
  deepStrictEqual(one.components, [{
    name: "web",
    change: "changed",
    differences: [{ field: "env.N", deployed: "2", declared: null }],
  }]);
  strictEqual((await home.run("diff hello 9")).code, 4);
  strictEqual((await home.run("diff hello 1 -f x.toml")).code, 2);
});

// --- Remove -------------------------------------------------------------------------

const removes: Script = {
  removeService: ({ dryRun, purgeData }) => ({
    results: [{ name: "web", success: true, verdict: "removed", summary: dryRun ? "" : "removed" }],
    removed: ["container hello-web", ...(purgeData ? ["/srv/hello (3 files)"] : [])],
    kept: [...(purgeData ? [] : ["/srv/hello (3 files)"]), "the 3 revisions"],
  }),
};

type RemoveRequest = { name: string; purgeData: boolean; dryRun: boolean };

Deno.test("remove shows what goes and what stays, and goes on when the name is typed", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", removes);
  await home.know(rift);
  const file = await home.write("services/hello.toml", definition);
  const { code, out, err } = await home.run("remove hello", { keys: ["hello\r"] });
  strictEqual(code, 0, err);
  match(err, /hello on rift: would go/);
  match(err, /\/srv\/hello \(3 files\)/);
  match(err, /Type the name of the service to remove it from rift:/);
  // deno-lint-ignore no-control-regex -- colors
  const plain = out.replaceAll(/\u001b\[\d*m/g, "");
  strictEqual(
    plain,
    `hello on rift: removed
  container hello-web
stays
  /srv/hello (3 files)
  the 3 revisions
  the definition ${file}
`,
  );
  deepStrictEqual((rift.requests as RemoveRequest[]).map(({ dryRun }) => dryRun), [true, false]);
  strictEqual(await home.read("services/hello.toml"), definition);
});

for (const keys of [["helo\r"], ["\r"], ["y\r"], ["yes\r"], ["\u0003"]]) {
  Deno.test(`remove that is answered ${JSON.stringify(keys)} removes nothing`, async () => {
    await using home = new Workstation();
    await using rift = await startNode("rift", removes);
    await home.know(rift);
    await home.write("services/hello.toml", definition);
    strictEqual((await home.run("remove hello", { keys })).code, 130);
    deepStrictEqual((rift.requests as RemoveRequest[]).map(({ dryRun }) => dryRun), [true]);
  });
}

Deno.test("remove --purge-data is confirmed a second time, by a sentence", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", removes);
  await home.know(rift);
  await home.write("services/hello.toml", definition);
  const once = await home.run("remove hello --purge-data", { keys: ["hello\r", "hello\r"] });
  strictEqual(once.code, 130);
  ok((rift.requests as RemoveRequest[]).every(({ dryRun }) => dryRun));
  const twice = await home.run("remove hello --purge-data", { keys: ["hello\r", "purge hello\r"] });
  strictEqual(twice.code, 0);
  const last = rift.requests.at(-1) as RemoveRequest;
  deepStrictEqual([last.name, last.purgeData, last.dryRun], ["hello", true, false]);
});

Deno.test("remove by a script needs --yes", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", removes);
  await home.know(rift);
  await home.write("services/hello.toml", definition);
  const { code, err } = await home.run("remove hello");
  strictEqual(code, 2);
  match(
    err,
    /Next: Run `mcp remove hello --dry-run` to see what would go, and with --yes to do it/,
  );
  deepStrictEqual(rift.calls, []);
  const dry = json(await home.run("remove hello --dry-run --json"));
  deepStrictEqual([dry.dry_run, dry.removed], [true, ["container hello-web"]]);
  strictEqual((await home.run("remove hello --yes")).code, 0);
});

Deno.test("remove that could not remove all exits with 8 and says why", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    removeService: () => ({
      results: [{
        name: "web",
        success: false,
        verdict: "failed",
        error: "podman is out of order",
      }],
    }),
  });
  await home.know(rift);
  await home.write("services/hello.toml", definition);
  const { code, out } = await home.run("remove hello --yes");
  strictEqual(code, 8);
  match(out, /hello\/web {2}failed {2}podman is out of order/);
});

// --- Prune --------------------------------------------------------------------------

Deno.test("prune tells what each node freed, and what it could not remove", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    pruneImages: ({ dryRun }) => ({
      images: [
        { id: "a".repeat(64), names: [image("v1"), image("old")], bytes: 3_145_728n },
        { id: "b".repeat(64), bytes: 1_048_576n, error: dryRun ? "" : "it is in use" },
      ],
    }),
  });
  await using vade = await startNode("vade", { pruneImages: () => ({}) });
  await home.know(rift, vade);
  const { code, out } = await home.run("prune");
  strictEqual(code, 8);
  strictEqual(
    out,
    `NODE  IMAGE                                             SIZE
rift  registry.example/web:v1, registry.example/web:old  3 MiB
rift  bbbbbbbbbbbb (no name any more)                    1 MiB  it is in use
vade  nothing to remove

At most 3 MiB freed
`.replace(
      "IMAGE                                             ",
      "IMAGE                                              ",
    ),
  );
  const dry = await home.run("prune rift --dry-run");
  strictEqual(dry.code, 0);
  match(dry.out, /At most 4 MiB would free/);
  deepStrictEqual((rift.requests as { dryRun: boolean }[]).map(({ dryRun }) => dryRun), [
    false,
    true,
  ]);
  strictEqual((await home.run("prune nobody")).code, 4);
});
