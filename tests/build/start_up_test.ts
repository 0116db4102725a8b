/**
 * What the built programs load before they answer. Nothing is timed: what is not needed is taken away, and
 * `mcp` must answer all the same.
 *
 * @module
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { builtPrograms } from "../support/built_programs.ts";
import { certificates, startNode } from "../support/scripted_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const { mcp, agent } = await builtPrograms();

let place: ThrowAwayFolder;
/** The folder that each was unpacked into. */
let runtime: string;
let agentRuntime: string;
Deno.test.beforeAll(async () => {
  place = await ThrowAwayFolder.make();
  runtime = await unpacked("full", mcp);
  agentRuntime = await unpacked("agent", agent);
});
Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

async function unpacked(home: string, program: string): Promise<string> {
  strictEqual((await run(home, ["--version"], program)).code, 0);
  const [name] = await namesIn(place.at(`${home}/.cache/mcp`), /^[0-9a-f]{32}$/);
  return place.at(`${home}/.cache/mcp/${name}`);
}

/** Runs an executable with a home folder of its own below {@link place}. */
async function run(home: string, args: readonly string[], program = mcp) {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", HOME: place.at(home), NO_COLOR: "1" },
    clearEnv: true,
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

async function namesIn(folder: string, wanted: RegExp): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  return names.filter((name) => wanted.test(name)).sort();
}

/** The files of the bundle that these sources are loaded with, and nothing that they can do without. */
async function neededBy(
  runtime: string,
  ...sources: readonly string[]
): Promise<Map<string, string>> {
  const needed = new Map<string, string>();
  for (const source of sources) {
    const name = source.split("/").at(-1)?.replace(/\.ts$/, "");
    for (const file of await namesIn(runtime, new RegExp(`^${name}(-[0-9a-f]{8})?\\.js$`))) {
      const files = await closure(runtime, file);
      // Two sources of different folders may have the same name.
      if (!(await sourcesOf(runtime, files)).includes(source)) continue;
      for (const [each, text] of files) needed.set(each, text);
    }
  }
  const found = await sourcesOf(runtime, needed);
  deepStrictEqual(sources.filter((source) => !found.includes(source)), []);
  return needed;
}

/** A file, what it imports, and what that imports. */
async function closure(runtime: string, file: string, files = new Map<string, string>()) {
  const text = await Deno.readTextFile(`${runtime}/${file}`);
  files.set(file, text);
  for (const [, next = ""] of text.matchAll(/\b(?:from|import)"\.\/([^"]+)"/g)) {
    if (!files.has(next)) await closure(runtime, next, files);
  }
  return files;
}

/** What is in these files, by their source maps. */
async function sourcesOf(
  runtime: string,
  files: ReadonlyMap<string, string>,
): Promise<string[]> {
  const sources: string[] = [];
  for (const text of files.values()) {
    const map = /# sourceMappingURL=(\S+)/.exec(text)?.[1];
    if (map !== undefined) {
      sources.push(...JSON.parse(await Deno.readTextFile(`${runtime}/${map}`)).sources);
    }
  }
  return sources;
}

/** A home in which the executable finds itself unpacked, with these of its files. */
async function homeWith(home: string, files: ReadonlyMap<string, string>): Promise<void> {
  const folder = place.at(`${home}/.cache/mcp/${runtime.split("/").at(-1)}`);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.link(`${runtime}/deno`, `${folder}/deno`);
  for (const [name, text] of files) await Deno.writeTextFile(`${folder}/${name}`, text);
}

function bytesOf(files: ReadonlyMap<string, string>): number {
  return [...files.values()].reduce((sum, text) => sum + text.length, 0);
}

Deno.test("mcp says its version without a package of others, and a few kilobytes of its own", async () => {
  const files = await neededBy(runtime, "cli/main.ts");
  await homeWith("version", files);
  const { code, out, err } = await run("version", ["--version"]);
  deepStrictEqual([code, err], [0, ""]);
  match(out, /^mcp \d/);
  deepStrictEqual(
    (await sourcesOf(runtime, files)).filter((source) => source.startsWith("npm/")),
    [],
  );
  ok(bytesOf(files) < 4_000, `${bytesOf(files)} bytes`);
});

Deno.test("mcp asks a node with its own command loaded, and no other", async () => {
  const files = await neededBy(
    runtime,
    ...["cli/main.ts", "cli/start.ts", "cli/commands/list.ts"],
    ...["cli/settings/config.ts", "cli/identity/token.ts", "cli/agents/connect.ts"],
    "cli/agents/agent_client.ts",
  );
  await homeWith("list", files);
  await using rift = await startNode("rift", { listServices: () => ({}) });
  const folder = place.at("list/.config/mcp");
  await Deno.mkdir(`${folder}/tokens`, { recursive: true });
  await Deno.writeTextFile(`${folder}/ca.pem`, certificates.ca);
  await Deno.writeTextFile(
    `${folder}/mcp.toml`,
    `tls.ca_cert = "ca.pem"\n[[nodes]]\nname = "rift"\naddress = "${rift.address}"\n`,
  );
  await Deno.writeTextFile(`${folder}/tokens/rift`, `${rift.token}\n`, { mode: 0o600 });
  const { code, out, err } = await run("list", ["list", "--json"]);
  deepStrictEqual([code, err], [0, ""]);
  deepStrictEqual(JSON.parse(out), { nodes: [{ name: "rift", services: [] }] });
  const sources = await sourcesOf(runtime, files);
  const among = (pattern: RegExp) => sources.filter((source) => pattern.test(source));
  deepStrictEqual(among(/^cli\/commands\//), ["cli/commands/list.ts"]);
  deepStrictEqual(among(/^cli\/(command_line\/command_line|import|definitions)\b/), []);
  deepStrictEqual(among(/^npm\/(yaml|@logtape|@grpc)\/|\/locales\/(?!en\.)|\/facade\.js$/), []);
  ok(bytesOf(files) < 1_250_000, `${bytesOf(files)} bytes`);
});

Deno.test("mcp-agent serves with its own subcommand in memory, and no other", async () => {
  const files = await neededBy(agentRuntime, "agent/main.ts", "agent/processes/server.ts");
  const sources = await sourcesOf(agentRuntime, files);
  const others =
    /^agent\/(processes\/(?!server|process\.)|install\/\w*(plan|execute|facts)|command_line)|\/locales\/(?!en\.)/;
  deepStrictEqual(sources.filter((source) => others.test(source)), []);
  ok(bytesOf(files) < 1_500_000, `${bytesOf(files)} bytes`);
});
