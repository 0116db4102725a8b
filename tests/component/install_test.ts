import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { LocalVerifier } from "../../agent/door/auth/local.ts";
import { readSchema } from "../../agent/node/install/facts.ts";
import { layoutBelow } from "../../agent/node/install/layout.ts";
import { installOn, type InstallRequest } from "../../agent/processes/install.ts";
import { uninstallFrom } from "../../agent/processes/uninstall.ts";
import { migrations } from "../../agent/registry/migrations/index.ts";
import { Registry } from "../../agent/registry/registry.ts";
import { McpError } from "../../lib/errors.ts";
import { realClock } from "../../lib/system/clock.ts";
import { FakeHost, nodeUid } from "../support/fake_host.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const request: InstallRequest = {
  node: { name: "rift", address: "10.0.0.1:9444", listen: "10.0.0.1:9444", lifetime: "90d" },
  dryRun: false,
  yes: true,
  json: false,
};

/** Installs a program, and gives what was printed. */
async function installed(
  host: FakeHost,
  content: string,
  change: Partial<InstallRequest> = {},
): Promise<string[]> {
  const lines: string[] = [];
  const machine = await host.machine(await host.program(content));
  const print = (line: string) => void lines.push(line);
  await installOn(machine, { ...request, ...change }, { print, confirm: undefined });
  return lines;
}

/** All paths below a folder, with their modes where nobody but the owner may read them. */
async function pathsBelow(folder: string, name = ""): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of Deno.readDir(`${folder}${name}`)) {
    const path = `${name}/${entry.name}`;
    if (entry.isDirectory) paths.push(...await pathsBelow(folder, path));
    else paths.push(path);
  }
  return paths.sort();
}

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

function modeOf(path: string): number {
  return (Deno.statSync(path).mode ?? 0) & 0o7777;
}

Deno.test("install makes a node of a bare host, and says what to paste on the workstation", async () => {
  await using host = await FakeHost.make();
  const printed = await installed(host, "one");
  const text = printed.join("\n");
  const tokens = text.match(/mcp_[\w-]{43}/g) ?? [];
  strictEqual(tokens.length, 1);
  match(
    printed.at(-1) ?? "",
    /^ {2}mcp node add rift 10\.0\.0\.1:9444 --ca-data \S+ && mcp login rift$/,
  );
  const layout = layoutBelow(host.root);
  using registry = Registry.open(`${layout.folder}/mcp.db`);
  strictEqual(
    (await new LocalVerifier(registry, realClock).verify(tokens[0] ?? "")).subject,
    "operator",
  );
  strictEqual(modeOf(layout.executable), 0o755);
  const [runtime = ""] = await namesIn(layout.runtimes);
  strictEqual(modeOf(`${layout.runtimes}/${runtime}`), 0o755);
  strictEqual(modeOf(`${layout.runtimes}/${runtime}/deno`), 0o755);
  strictEqual(modeOf(`${layout.runtimes}/${runtime}/share/one`), 0o644);
  match(
    await Deno.readTextFile(`${layout.units}/mcp-podman.service`),
    RegExp(`user@${nodeUid}\\.service`),
  );
  match(
    await Deno.readTextFile(layout.permissions),
    /--allow-net=10\.0\.0\.1:9444,127\.0\.0\.1,\[::1\],10\.0\.0\.1,unix:\/run\/mcp-p/,
  );
});

Deno.test("install --json prints one object with what a script goes on with", async () => {
  await using host = await FakeHost.make();
  const printed = await installed(host, "one", { json: true });
  strictEqual(printed.length, 1);
  const made = JSON.parse(printed[0] ?? "");
  deepStrictEqual([made.done, made.node], [true, "rift"]);
  match(made.node_add, /^mcp node add rift 10\.0\.0\.1:9444 --ca-data \S+$/);
  match(made.token, /^mcp_/);
  const again = JSON.parse((await installed(host, "one", { json: true }))[0] ?? "");
  strictEqual(again.done, true);
  ok(!("token" in again));
});

Deno.test("install shows the first token even if the agent then does not serve", async () => {
  await using host = await FakeHost.make();
  host.serves = () => false;
  const lines: string[] = [];
  const machine = await host.machine(await host.program("one"));
  const print = (line: string) => void lines.push(line);
  await rejects(installOn(machine, request, { print, confirm: undefined }), {
    message: "The agent does not serve on 10.0.0.1:9444",
    details: ["Error: the agent's last words"],
  });
  match(lines.join("\n"), /^ {2}mcp_[\w-]{43}$/m);
});

Deno.test("install has nothing to do the second time, and touches nothing", async () => {
  await using host = await FakeHost.make();
  await installed(host, "one");
  host.lines.length = 0;
  const printed = await installed(host, "one", { node: undefined });
  strictEqual(printed.at(-1), "Nothing to do: everything is as it should be");
  ok(host.lines.every((line) => /systemctl (show|--version)|dpkg-query --show/.test(line)));
});

Deno.test("install --dry-run prints the plan and changes nothing", async () => {
  await using host = await FakeHost.make();
  await host.program("one");
  const before = await pathsBelow(host.root);
  const printed = await installed(host, "one", { dryRun: true, yes: false });
  deepStrictEqual(await pathsBelow(host.root), before);
  ok(printed.includes("change  user mcp: there is none"));
  strictEqual(printed.at(-1), "Nothing was changed");
});

Deno.test("install asks on a terminal, and does nothing unless it is told yes", async () => {
  await using host = await FakeHost.make();
  const machine = await host.machine(await host.program("one"));
  const before = await pathsBelow(host.root);
  const asked: string[] = [];
  const confirm = (question: string) => asked.push(question) === 0;
  const unsaid = { ...request, yes: false };
  await rejects(installOn(machine, unsaid, { print: () => {}, confirm }), { kind: "conflict" });
  deepStrictEqual(asked, ["Change this machine so?"]);
  await rejects(installOn(machine, unsaid, { print: () => {}, confirm: undefined }), {
    kind: "invalid",
    hint: "Add --yes, or --dry-run to see the plan only",
  });
  deepStrictEqual(await pathsBelow(host.root), before);
});

Deno.test("install without root is refused before it looks", async () => {
  await using host = await FakeHost.make();
  const machine = { ...await host.machine(await host.program("one")), isRoot: false };
  await rejects(installOn(machine, request, { print: () => {}, confirm: undefined }), {
    kind: "forbidden",
  });
  deepStrictEqual(host.lines, []);
});

for (
  const [given, contents] of [["an install", ["one"]], ["an upgrade", ["one", "two"]]] as const
) {
  Deno.test(`${given} that is cut short before any program it runs goes on when it is run again`, async () => {
    const last = contents.at(-1) ?? "";
    let cuts = 0;
    for (;; cuts++) {
      await using host = await FakeHost.make();
      for (const content of contents.slice(0, -1)) await installed(host, content);
      let left = cuts;
      host.onRun = () => {
        if (left-- === 0) throw new Error("cut short");
      };
      const first = await installed(host, last).then(() => "whole", String);
      if (first === "whole") break;
      host.onRun = () => {};
      await installed(host, last);
      const printed = await installed(host, last);
      strictEqual(printed.at(-1), "Nothing to do: everything is as it should be", `cut ${cuts}`);
      deepStrictEqual(
        await namesIn(layoutBelow(host.root).runtimes),
        [(await host.program(last)).runtime.split("/").at(-1)],
        `cut ${cuts}`,
      );
    }
    ok(cuts >= 5, `cut ${cuts} times`);
  });
}

Deno.test("install goes on with a node whose parts were not all moved into their place", async () => {
  for (const moved of [[], ["certs"], ["certs", "mcp.db"]]) {
    await using host = await FakeHost.make();
    const layout = layoutBelow(host.root);
    await installed(host, "one");
    // Back to where it was in the middle of it.
    await Deno.mkdir(layout.staging);
    for (const part of ["certs", "mcp.db", "mcp-agent.toml"]) {
      if (moved.includes(part)) continue;
      await Deno.rename(`${layout.folder}/${part}`, `${layout.staging}/${part}`);
    }
    const printed = await installed(host, "one", { node: undefined });
    ok(
      printed.some((line) => line.startsWith("Done: this node is up to date")),
      printed.join("\n"),
    );
    ok((await pathsBelow(layout.folder)).includes("/mcp-agent.toml"));
    await rejects(Deno.stat(layout.staging), Deno.errors.NotFound);
  }
});

Deno.test("install upgrades in place: config and registry kept, a snapshot made, the old one removed", async () => {
  await using host = await FakeHost.make();
  const layout = layoutBelow(host.root);
  await installed(host, "one");
  const config = await Deno.readTextFile(layout.config);
  host.lines.length = 0;
  await installed(host, "two", { node: undefined });
  strictEqual(await Deno.readTextFile(layout.config), config);
  strictEqual(
    (await pathsBelow(`${layout.folder}/backups`)).filter((p) => p.endsWith(".db")).length,
    1,
  );
  deepStrictEqual(host.lines.filter((line) => /systemctl (start|stop|restart)/.test(line)), [
    "/usr/bin/systemctl restart mcp-agent.service",
  ]);
  deepStrictEqual(
    await namesIn(layout.runtimes),
    [(await host.program("two")).runtime.split("/").at(-1)],
  );
});

/** Fails an upgrade, and gives what is said. */
async function failedUpgrade(host: FakeHost, content: string): Promise<McpError> {
  let said: unknown;
  await rejects(installed(host, content, { node: undefined }), (error) => {
    said = error;
    return true;
  });
  ok(said instanceof McpError, String(said));
  return said;
}

Deno.test("install puts the old program back when the new one does not serve", async () => {
  await using host = await FakeHost.make();
  const layout = layoutBelow(host.root);
  await installed(host, "one");
  const old = await Deno.readTextFile(layout.executable);
  host.serves = () => Deno.readTextFileSync(layout.executable) === old;
  const error = await failedUpgrade(host, "two");
  match(error.message, /the one before was put back, and serves$/);
  deepStrictEqual(error.details, ["Error: the agent's last words"]);
  strictEqual(await Deno.readTextFile(layout.executable), old);
});

Deno.test("install is not taken in by a new program that answers once and ends", async () => {
  await using host = await FakeHost.make();
  const layout = layoutBelow(host.root);
  await installed(host, "one");
  const old = await Deno.readTextFile(layout.executable);
  let asked = 0;
  host.serves = () => Deno.readTextFileSync(layout.executable) === old || asked++ < 2;
  const error = await failedUpgrade(host, "two");
  match(error.message, /the one before was put back, and serves$/);
  strictEqual(await Deno.readTextFile(layout.executable), old);
});

Deno.test("install leaves all as it is when the registry's schema has moved on, and names the way back", async () => {
  await using host = await FakeHost.make();
  const layout = layoutBelow(host.root);
  await installed(host, "one");
  const old = await Deno.readTextFile(layout.executable);
  host.serves = () => Deno.readTextFileSync(layout.executable) === old;
  host.onRun = (line) => {
    // The new agent's first deed is to migrate.
    if (line.includes("restart mcp-agent.service")) setSchema(`${layout.folder}/mcp.db`, 99);
  };
  const error = await failedUpgrade(host, "two");
  const [snapshot] = (await namesIn(`${layout.folder}/backups`))
    .filter((name) => name.endsWith(".db"));
  const words = error.details.map((line) => line.trim().replaceAll(host.root, ""));
  deepStrictEqual(words.slice(-5), [
    `The registry was brought from schema ${migrations.length} to 99, which the program before ` +
    "cannot read. To go back to both, and lose what was written since:",
    "systemctl stop mcp-agent",
    "mv /usr/local/lib/mcp/mcp-agent.previous /usr/local/bin/mcp-agent",
    "setpriv --reuid mcp --regid mcp --init-groups -- /usr/local/bin/mcp-agent restore " +
    `--config /srv/mcp/mcp-agent.toml /srv/mcp/backups/${snapshot}`,
    "/usr/local/bin/mcp-agent install --yes",
  ]);
  strictEqual(await Deno.readTextFile(layout.previous), old);
  ok(await Deno.readTextFile(layout.executable) !== old);
});

Deno.test("install of an older program than the registry is refused, and nothing is touched", async () => {
  await using host = await FakeHost.make();
  const layout = layoutBelow(host.root);
  await installed(host, "one");
  setSchema(`${layout.folder}/mcp.db`, 99);
  await host.program("two");
  const before = await pathsBelow(host.root);
  const error = await failedUpgrade(host, "two");
  strictEqual(error.kind, "conflict");
  match(
    error.details.join(),
    new RegExp(`^the registry has schema 99, and this mcp-agent knows ${migrations.length}`),
  );
  deepStrictEqual(await pathsBelow(host.root), before);
});

/** Says that a registry was written by another agent. */
function setSchema(path: string, schema: number): void {
  using registry = Registry.open(path);
  registry.all(`PRAGMA user_version = ${schema}`);
}

Deno.test("install does not follow links out of what the agent's user owns", async () => {
  await using host = await FakeHost.make();
  await using elsewhere = await ThrowAwayFolder.make();
  await Deno.mkdir(`${host.root}/var/lib/mcp`);
  await Deno.symlink(elsewhere.path, `${host.root}/var/lib/mcp/.config`);
  await rejects(installed(host, "one"), (error) => {
    ok(error instanceof McpError, String(error));
    match(error.message, /^Cannot use .*\/\.config\/containers: it leads to /);
    return true;
  });
  deepStrictEqual(await pathsBelow(elsewhere.path), []);
});

Deno.test("uninstall takes away what install has put there, and keeps the data", async () => {
  await using host = await FakeHost.make();
  const layout = layoutBelow(host.root);
  await installed(host, "one");
  const printed: string[] = [];
  const machine = await host.machine(await host.program("one"));
  const conversation = { print: (line: string) => void printed.push(line), confirm: undefined };
  const request = { purgesData: false, dryRun: false, yes: true };
  await uninstallFrom(machine, { ...request, dryRun: true, yes: false }, conversation);
  ok(await Deno.stat(layout.executable));
  await rejects(uninstallFrom(machine, { ...request, yes: false }, conversation), {
    kind: "invalid",
  });

  await uninstallFrom(machine, request, conversation);
  const left = await pathsBelow(host.root);
  ok(left.includes("/srv/mcp/mcp-agent.toml") && left.includes("/srv/mcp/mcp.db"));
  deepStrictEqual(left.filter((path) => /usr|etc\/s.*\.d/.test(path)), []);
  match(printed.at(-1) ?? "", /^note {4}kept: .*\/srv\/mcp/);

  await uninstallFrom(machine, request, conversation);
  strictEqual(printed.at(-1), "Nothing to do: this is no node");
  await installed(host, "one", { node: undefined });
  strictEqual(
    (await installed(host, "one")).at(-1),
    "Nothing to do: everything is as it should be",
  );
});

Deno.test("a registry's schema is read without opening it, whatever is still in its log", async () => {
  await using folder = await ThrowAwayFolder.make();
  const path = folder.at("mcp.db");
  strictEqual(await readSchema(path), undefined);
  {
    using registry = Registry.open(path);
    strictEqual(await readSchema(path), migrations.length);
    registry.all("PRAGMA wal_checkpoint(TRUNCATE)");
    strictEqual(await readSchema(path), migrations.length);
    registry.all("PRAGMA user_version = 77");
    strictEqual(await readSchema(path), 77);
    registry.all("PRAGMA wal_checkpoint(RESTART)");
    // Begins its log anew over the old one, whose frames lie behind.
    registry.run("INSERT INTO services (name) VALUES ('hello')");
    strictEqual(await readSchema(path), 77);
  }
  strictEqual(await readSchema(path), 77);
  await Deno.writeTextFile(path, "no database");
  strictEqual(await readSchema(path), undefined);
});
