import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import { restoreRegistry, type Snapshot, snapshotRegistry } from "../../agent/registry/backup.ts";
import { lockRegistry } from "../../agent/registry/lock.ts";
import { migrations } from "../../agent/registry/migrations/index.ts";
import { Registry } from "../../agent/registry/registry.ts";
import { type ErrorKind, McpError } from "../../lib/errors.ts";
import { ProcessNode } from "../support/agent_process.ts";
import { ample, TestNode } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";
import { watchSyncs } from "../support/watched_syncs.ts";

const noon = new Date("2030-01-01T12:00:00.000Z");
const mainFile = new URL("../../agent/main.ts", import.meta.url).pathname;
const writerFile = new URL("../support/registry_writer.ts", import.meta.url).pathname;

/** A folder with a registry that knows the service "shop". */
class Place implements AsyncDisposable {
  readonly path: string;
  readonly folder: ThrowAwayFolder;

  private constructor(folder: ThrowAwayFolder) {
    this.folder = folder;
    this.path = folder.at("mcp.db");
  }

  static async make(): Promise<Place> {
    const place = new Place(await ThrowAwayFolder.make());
    place.add("shop");
    return place;
  }

  add(service: string): void {
    using registry = Registry.open(this.path);
    registry.run("INSERT INTO services (name) VALUES (?)", service);
  }

  services(path = this.path): string[] {
    using registry = Registry.open(path);
    return registry.all("SELECT name FROM services ORDER BY rowid").map(({ name }) => String(name));
  }

  async snapshot(secondsLater = 0, keep = 14): Promise<Snapshot> {
    const now = new Date(noon.getTime() + secondsLater * 1_000);
    return await snapshotRegistry(this.path, { now, keep });
  }

  async restore(file: string) {
    return await restoreRegistry(this.path, file, { now: noon });
  }

  /** Every file of the place, sorted; locks are no content. */
  async names(at = this.folder.path): Promise<string[]> {
    const found: string[] = [];
    for await (const { name, isDirectory } of Deno.readDir(at)) {
      if (isDirectory) {
        found.push(...(await this.names(`${at}/${name}`)).map((inner) => `${name}/${inner}`));
      } else if (!name.endsWith(".lock")) found.push(name);
    }
    return found.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.folder[Symbol.asyncDispose]();
  }
}

async function refuses(
  act: () => Promise<unknown>,
  kind: ErrorKind,
  message: RegExp,
  hint = /./,
): Promise<void> {
  await rejects(act, (error) => {
    ok(error instanceof McpError, Deno.inspect(error));
    strictEqual(error.kind, kind, error.message);
    match(error.message, message);
    match(error.hint ?? "", hint);
    return true;
  });
}

async function modeOf(path: string): Promise<string> {
  return (((await Deno.stat(path)).mode ?? 0) & 0o7777).toString(8);
}

/** Asks a file without changing anything about it. */
function ask(path: string, sql: string): Record<string, unknown> | undefined {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare(sql).get();
  } finally {
    database.close();
  }
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Overwrites every page but the first ones: the file opens, and is damaged all the same. */
async function damage(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes.fill(0xa5, 4096 * 2);
  await Deno.writeFile(path, bytes);
}

/** Overwrites the first page of one table: whoever does not read that meets no damage. */
async function damageTable(path: string, table: string): Promise<void> {
  const found = ask(path, `SELECT rootpage FROM sqlite_schema WHERE name = '${table}'`);
  using file = await Deno.open(path, { write: true });
  await file.seek((Number(found?.["rootpage"]) - 1) * 4096, Deno.SeekMode.Start);
  await file.write(new Uint8Array(4096).fill(0xa5));
}

/** Has a table tell another name than its index: every page is whole, and what they say is not. */
async function misname(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  const at = bytes.findIndex((_, from) =>
    new TextDecoder().decode(bytes.subarray(from, from + 4)) === "shop"
  );
  ok(at > 0, "the name is not in the file");
  bytes[at] = "S".charCodeAt(0);
  await Deno.writeFile(path, bytes);
}

Deno.test("a snapshot is one sound file with all that was remembered, for nobody else to read", async () => {
  await using place = await Place.make();
  const before = Deno.umask(0);
  let made: Snapshot;
  try {
    made = await place.snapshot();
  } finally {
    Deno.umask(before);
  }
  strictEqual(made.path, place.folder.at("backups/mcp-2030-01-01T12-00-00.000Z.db"));
  strictEqual(made.bytes, (await Deno.stat(made.path)).size);
  strictEqual(made.schema, migrations.length);
  deepStrictEqual(made.removed, []);
  strictEqual(await modeOf(made.path), "600");
  strictEqual(await modeOf(place.folder.at("backups")), "700");
  strictEqual(ask(made.path, "PRAGMA journal_mode")?.["journal_mode"], "delete");
  strictEqual(ask(made.path, "SELECT name FROM services")?.["name"], "shop");
  deepStrictEqual(await place.names(), ["backups/mcp-2030-01-01T12-00-00.000Z.db", "mcp.db"]);
});

Deno.test("a snapshot is on disk before its name, and the name before it is told", async () => {
  await using place = await Place.make();
  const backups = place.folder.at("backups");
  const seen: unknown[] = [];
  let path: string;
  {
    using _watch = await watchSyncs(async ({ isFolder }) => {
      const named = (await place.names(backups)).filter((name) => !name.startsWith("."));
      seen.push([isFolder ? "folder" : "file", named]);
    });
    ({ path } = await place.snapshot());
  }
  deepStrictEqual(seen, [["file", []], ["folder", [path.split("/").at(-1)]]]);
});

Deno.test("a registry that is restored is on disk before its name, and the name before it is told", async () => {
  await using place = await Place.make();
  const { path } = await place.snapshot();
  place.add("mail");
  const [before, after] = [await Deno.readFile(place.path), await Deno.readFile(path)];
  const seen: unknown[] = [];
  {
    using _watch = await watchSyncs(async ({ isFolder }) => {
      const now = await Deno.readFile(place.path);
      const is = equal(now, before) ? "before" : equal(now, after) ? "restored" : "neither";
      seen.push([isFolder ? "folder" : "file", is]);
    });
    await place.restore(path);
  }
  deepStrictEqual(seen, [["file", "before"], ["folder", "restored"]]);
});

Deno.test("a snapshot of a registry that is open holds what lies in its WAL only", async () => {
  await using place = await Place.make();
  using registry = Registry.open(place.path);
  registry.run("INSERT INTO services (name) VALUES ('mail')");
  ok((await Deno.stat(`${place.path}-wal`)).size > 0);
  const { path } = await place.snapshot();
  strictEqual(ask(path, "SELECT count(*) AS n FROM services")?.["n"], 2);
});

Deno.test("snapshots while another process writes are whole, and keep nobody from writing", async () => {
  await using place = await Place.make();
  const writer = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--cached-only", "--allow-all", writerFile, place.path, "2000"],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = writer.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  let isWriting = true;
  const ended = writer.status.then(({ success }) => {
    isWriting = false;
    return success;
  });
  const sizes: number[] = [];
  for (let count = 0; isWriting || count === 0; count++) {
    const { path } = await place.snapshot(count, 1_000);
    const services = Number(ask(path, "SELECT count(*) AS n FROM services")?.["n"]);
    const events = Number(ask(path, "SELECT count(*) AS n FROM events")?.["n"]);
    strictEqual(services, events + 1, "a snapshot holds half of a transaction");
    sizes.push(events);
  }
  ok(await ended, "the writer failed");
  await writer.stdout.cancel();
  deepStrictEqual(sizes, sizes.toSorted((one, other) => one - other));
  ok(new Set(sizes).size > 2, `too few snapshots while it wrote: ${sizes}`);
  strictEqual(place.services().length, 2_001);
});

Deno.test("a snapshot that is killed leaves nothing that could be taken for one", async () => {
  await using node = await ProcessNode.make();
  const path = `${node.folder}/mcp.db`;
  {
    using registry = Registry.open(path);
    registry.transaction(() => {
      for (let at = 0; at < 4_000; at++) {
        registry.run(
          `INSERT INTO events (service, component, prev_state, new_state, cause)
           VALUES ('shop', 'web', 'unknown', 'running', ?)`,
          "x".repeat(4_000),
        );
      }
    });
  }
  const run = () =>
    new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--cached-only",
        "--no-prompt",
        "--ignore-env",
        // Config and registry lie in one folder, as on a node.
        `--allow-read=${node.folder}`,
        `--allow-write=${node.folder}`,
        mainFile,
        "snapshot",
        `--config=${node.folder}/mcp-agent.toml`,
        "--keep=100",
      ],
      stdout: "piped",
      stderr: "piped",
    });
  const { success, stderr } = await run().output();
  ok(success, new TextDecoder().decode(stderr));
  const folder = `${node.folder}/backups`;
  const namesOf = async () =>
    (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).filter((name) =>
      name !== ".lock"
    );
  const [whole = ""] = await namesOf();
  const { size } = await Deno.stat(`${folder}/${whole}`);
  /** How much is written of a snapshot that was begun since. */
  const written = async (before: readonly string[]) => {
    const begun = (await namesOf()).find((name) => !before.includes(name));
    if (begun === undefined) return 0;
    return (await Deno.stat(`${folder}/${begun}`).catch(() => undefined))?.size ?? 0;
  };
  let left = 0;
  const rounds = 10;
  for (let round = 0; round < rounds; round++) {
    const before = await namesOf();
    const child = run().spawn();
    let hasEnded = false;
    void child.status.then(() => hasEnded = true);
    while (!hasEnded && await written(before) <= size * round / rounds) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    try {
      child.kill("SIGKILL");
    } catch {
      // It was quicker this time.
    }
    await Promise.all([child.status, child.stdout.cancel(), child.stderr.cancel()]);
    for (const name of await namesOf()) {
      if (!name.startsWith("mcp-")) left++;
      else {
        strictEqual(
          ask(`${folder}/${name}`, "PRAGMA integrity_check")?.["integrity_check"],
          "ok",
        );
      }
    }
  }
  ok(left > 0, "it was never killed in the middle");
  ok((await run().output()).success);
  deepStrictEqual((await namesOf()).filter((name) => !name.startsWith("mcp-")), []);
});

Deno.test("only as many snapshots stay as are wanted, and nothing else is removed", async () => {
  await using place = await Place.make();
  for (let at = 0; at < 5; at++) await place.snapshot(at, 3);
  await Deno.writeTextFile(place.folder.at("backups/mcp-old.db"), "mine");
  await Deno.writeTextFile(place.folder.at("backups/notes.txt"), "mine");
  const { removed } = await place.snapshot(5, 2);
  deepStrictEqual(
    removed.map((path) => path.slice(-9)),
    ["03.000Z.db", "02.000Z.db"].map((end) => end.slice(-9)),
  );
  deepStrictEqual(await place.names(place.folder.at("backups")), [
    "mcp-2030-01-01T12-00-04.000Z.db",
    "mcp-2030-01-01T12-00-05.000Z.db",
    "mcp-old.db",
    "notes.txt",
  ]);
});

Deno.test("the snapshot just made stays, also when the clock was set back", async () => {
  await using place = await Place.make();
  await place.snapshot(10, 1);
  const { path, removed } = await place.snapshot(0, 1);
  deepStrictEqual(await place.names(place.folder.at("backups")), [path.split("/").at(-1)]);
  strictEqual(removed.length, 1);
});

Deno.test("of a damaged registry no snapshot is made, and none is removed for it", async () => {
  await using place = await Place.make();
  const { path } = await place.snapshot(0, 1);
  await damage(place.path);
  await refuses(
    () => place.snapshot(1, 1),
    "conflict",
    /^Cannot make a snapshot of the registry .*: it is damaged, or no database$/,
    new RegExp(`^Run \`mcp-agent restore ${path}\`, the latest snapshot`),
  );
  deepStrictEqual(await place.names(place.folder.at("backups")), [path.split("/").at(-1)]);
});

Deno.test("without a registry there is no snapshot, and none is created", async () => {
  await using folder = await ThrowAwayFolder.make();
  const path = folder.at("mcp.db");
  await refuses(
    () => snapshotRegistry(path, { now: noon, keep: 1 }),
    "not_found",
    /: there is no such file$/,
    /^$/,
  );
  deepStrictEqual(await Array.fromAsync(Deno.readDir(folder.path)), []);
});

Deno.test("a restore brings back what the snapshot holds, and keeps what it replaces", async () => {
  await using place = await Place.make();
  const { path } = await place.snapshot();
  place.add("mail");
  const { schema, replaced } = await place.restore(path);
  strictEqual(schema, migrations.length);
  strictEqual(replaced, `${place.path}.before-restore-2030-01-01T12-00-00.000Z`);
  strictEqual(await modeOf(place.path), "600");
  deepStrictEqual(place.services(), ["shop"]);
  deepStrictEqual(place.services(replaced), ["shop", "mail"]);
  strictEqual(ask(path, "SELECT count(*) AS n FROM services")?.["n"], 1);
});

Deno.test("a restore keeps the WAL of what it replaces, so that it can be undone", async () => {
  await using place = await Place.make();
  const { path } = await place.snapshot();
  {
    // What a killed server leaves: a last transaction that lies in the WAL only.
    using registry = Registry.open(place.path);
    registry.run("INSERT INTO services (name) VALUES ('mail')");
    for (const suffix of ["", "-wal", "-shm"]) {
      await Deno.copyFile(`${place.path}${suffix}`, `${place.path}${suffix}.kept`);
    }
  }
  for (const suffix of ["", "-wal", "-shm"]) {
    await Deno.rename(`${place.path}${suffix}.kept`, `${place.path}${suffix}`);
  }
  const { replaced = "" } = await place.restore(path);
  deepStrictEqual((await place.names()).filter((name) => name.startsWith("mcp.db")), [
    "mcp.db",
    "mcp.db.before-restore-2030-01-01T12-00-00.000Z",
    "mcp.db.before-restore-2030-01-01T12-00-00.000Z-shm",
    "mcp.db.before-restore-2030-01-01T12-00-00.000Z-wal",
  ]);
  deepStrictEqual(place.services(), ["shop"]);
  await restoreRegistry(place.path, replaced, { now: new Date(noon.getTime() + 1_000) });
  deepStrictEqual(place.services(), ["shop", "mail"]);
});

Deno.test("a restore works where there is no registry yet", async () => {
  await using place = await Place.make();
  const { path } = await place.snapshot();
  const moved = place.folder.at("new");
  await Deno.mkdir(moved);
  strictEqual((await restoreRegistry(`${moved}/mcp.db`, path, { now: noon })).replaced, undefined);
  deepStrictEqual(place.services(`${moved}/mcp.db`), ["shop"]);
});

Deno.test("a snapshot of an older schema is brought up to date by whoever opens it next", async () => {
  await using place = await Place.make();
  const old = place.folder.at("old.db");
  const database = new DatabaseSync(old);
  database.exec(migrations[0] ?? "");
  database.exec("PRAGMA user_version = 1; INSERT INTO services (name) VALUES ('old')");
  database.close();
  strictEqual((await place.restore(old)).schema, 1);
  deepStrictEqual(place.services(), ["old"]);
  strictEqual(ask(place.path, "PRAGMA user_version")?.["user_version"], migrations.length);
});

const bad: readonly (readonly [string, ErrorKind, RegExp, (path: string) => Promise<void>])[] = [
  [
    "a text",
    "invalid",
    /it is damaged, or no database$/,
    (path) => Deno.writeTextFile(path, "a = 1\n".repeat(2_000)),
  ],
  [
    "an empty file",
    "invalid",
    /it is not a registry of mcp-agent$/,
    (path) => Deno.writeTextFile(path, ""),
  ],
  ["a damaged registry", "invalid", /it is damaged, or no database$/, damage],
  [
    "a registry that was cut off",
    "invalid",
    /it is damaged, or no database$/,
    (path) => Deno.truncate(path, 4096 * 6),
  ],
  ["a registry whose index says other than its table", "invalid", /damaged, or no/, misname],
  ["a registry with a damaged head", "invalid", /damaged, or no database$/, async (path) => {
    using file = await Deno.open(path, { write: true });
    await file.write(new Uint8Array(64).fill(1));
  }],
  ["another program's database", "invalid", /it is not a registry of mcp-agent$/, async (path) => {
    await Deno.remove(path);
    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE bookmarks (url TEXT); PRAGMA user_version = 1");
    database.close();
  }],
  [
    "a registry of a newer agent",
    "conflict",
    /its schema 99 is newer than this agent's \d+$/,
    // deno-lint-ignore require-await -- SQLite does not wait
    async (path) => {
      const database = new DatabaseSync(path);
      database.exec("PRAGMA user_version = 99");
      database.close();
    },
  ],
  ["nothing", "not_found", /there is no such file$/, (path) => Deno.remove(path)],
  ["a folder", "invalid", /is not a file$/, async (path) => {
    await Deno.remove(path);
    await Deno.mkdir(path);
  }],
];
for (const [given, kind, message, spoil] of bad) {
  Deno.test(`a restore refuses ${given}, and changes nothing`, async () => {
    await using place = await Place.make();
    const { path } = await place.snapshot();
    const good = await place.snapshot(1);
    await spoil(path);
    const [content, names] = [await Deno.readFile(place.path), await place.names()];
    await refuses(
      () => place.restore(path),
      kind,
      message,
      kind === "invalid" && given !== "a folder" ? new RegExp(good.path) : /^/,
    );
    deepStrictEqual(await Deno.readFile(place.path), content);
    deepStrictEqual(await place.names(), names);
    deepStrictEqual(place.services(), ["shop"]);
  });
}

Deno.test("a restore refuses the registry itself, by name or by link", async () => {
  await using place = await Place.make();
  await Deno.symlink(place.path, place.folder.at("link.db"));
  for (const path of [place.path, place.folder.at("link.db")]) {
    await refuses(() => place.restore(path), "invalid", /: it is the registry itself$/, /^$/);
  }
  deepStrictEqual(place.services(), ["shop"]);
});

Deno.test("a registry is one server's: neither a second one nor a restore gets it", async () => {
  await using node = await TestNode.start();
  const running = /an mcp-agent is running on the registry .*\/mcp\.db$/;
  await refuses(
    async () => {
      await using _second = await TestNode.start({ folder: node.folder });
    },
    "conflict",
    /^Cannot serve: an mcp-agent is running/,
    /^Stop it first: /,
  );
  const { path } = await snapshotRegistry(node.registryPath, { now: noon, keep: 1 });
  await refuses(() => restoreRegistry(node.registryPath, path, { now: noon }), "conflict", running);
  ok((await node.client().listServices({}, ample)).services.length === 0);
  await node.stop();
  await restoreRegistry(node.registryPath, path, { now: noon });
  await using again = await TestNode.start({ folder: node.folder });
  strictEqual((await again.client().listServices({}, ample)).services.length, 0);
});

Deno.test("a server that was killed leaves no lock behind", async () => {
  await using node = await ProcessNode.make();
  const first = await node.start().serving();
  throws(() => lockRegistry(`${node.folder}/mcp.db`, "serve"), { kind: "conflict" });
  await first.kill();
  using _lock = lockRegistry(`${node.folder}/mcp.db`, "serve");
});

for (
  const [given, spoil] of [
    ["in its pages", damage],
    ["where no start looks", (path: string) => damageTable(path, "pushed_files")],
    [
      "in its head",
      (path: string) => Deno.writeTextFile(path, "not a database at all ".repeat(500)),
    ],
  ] as const
) {
  Deno.test(`a server refuses a registry that is damaged ${given}, and names the latest snapshot`, async () => {
    await using place = await Place.make();
    await using node = await TestNode.start({ folder: place.folder.path });
    await node.stop();
    await place.snapshot(0);
    const { path } = await place.snapshot(1);
    for (const suffix of ["-wal", "-shm"]) {
      await Deno.remove(`${place.path}${suffix}`).catch(() => {
        // Closed well, it is gone already.
      });
    }
    await spoil(place.path);
    throws(() => {
      using registry = Registry.open(place.path);
      registry.requireSound();
    }, (error) => {
      ok(error instanceof McpError, Deno.inspect(error));
      strictEqual(error.message, `Cannot use the registry ${place.path}: it is damaged`);
      ok(error.hint?.startsWith(`Run \`mcp-agent restore ${path}\``));
      return true;
    });
    await rejects(TestNode.start({ folder: place.folder.path }), { kind: "unavailable" });
    await place.restore(path);
    deepStrictEqual(place.services(), ["shop"]);
  });
}

Deno.test("a damaged registry without a snapshot says that there is none", async () => {
  await using place = await Place.make();
  await Deno.writeTextFile(place.path, "not a database at all ".repeat(500));
  throws(() => Registry.open(place.path), (error) => {
    ok(error instanceof McpError, Deno.inspect(error));
    match(error.hint ?? "", /^There is no other snapshot in .*\/backups/);
    return true;
  });
});

Deno.test("snapshot and restore as programs tell what they did, in words and as JSON", async () => {
  await using node = await ProcessNode.make();
  const run = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--cached-only",
        "--no-prompt",
        "--ignore-env",
        `--allow-read=${node.folder}`,
        `--allow-write=${node.folder}`,
        mainFile,
        ...args,
        `--config=${node.folder}/mcp-agent.toml`,
      ],
    }).output();
    return { code, out: new TextDecoder().decode(stdout), told: new TextDecoder().decode(stderr) };
  };
  const made = await run("snapshot", "--json");
  strictEqual(made.code, 0, made.told);
  const { path } = JSON.parse(made.out);
  match((await run("snapshot")).out, /^Wrote .*\/backups\/mcp-.*\.db \(\d+ bytes, schema \d+\)\n$/);
  match((await run("snapshot", "--keep=1")).out, /^Wrote .*\nRemoved .*\nRemoved .*\n$/);
  const gone = await run("restore", path);
  deepStrictEqual([gone.code, gone.out], [4, ""]);
  const again: { path: string } = JSON.parse((await run("snapshot", "--json")).out);
  const restored = await run("restore", again.path);
  strictEqual(restored.code, 0, restored.told);
  match(
    restored.out,
    /^Restored .*\nWhat was there is now .*\.before-restore-.*\nStart the server/,
  );
  strictEqual((await run("snapshot", "--keep=0")).code, 2);

  const agent = await node.start().serving();
  const refused = await run("restore", again.path);
  strictEqual(refused.code, 5);
  match(refused.told, /^Error: Cannot restore .*: an mcp-agent is running on the registry /);
  strictEqual((await run("snapshot")).code, 0);
  agent.signal("SIGTERM");
  strictEqual(await agent.ended(), 0);
});
