import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { copyRuntime, replaceExecutable } from "../../agent/node/install/root_files.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";
import { watchSyncs } from "../support/watched_syncs.ts";

async function textAt(path: string): Promise<string> {
  return await Deno.readTextFile(path).catch(() => "nothing");
}

Deno.test("a program is on disk before it has its name, and the one before it keeps another", async () => {
  await using folder = await ThrowAwayFolder.make();
  const [from, to, previous] = [folder.at("new"), folder.at("mcp-agent"), folder.at("previous")];
  await Deno.writeTextFile(from, "two of it");
  await Deno.writeTextFile(to, "one");
  const seen: unknown[] = [];
  {
    using _watch = await watchSyncs(async ({ isFolder, bytes }) => {
      seen.push([isFolder ? "folder" : bytes, await textAt(to), await textAt(previous)]);
    });
    await replaceExecutable({ from, to, previous });
  }
  deepStrictEqual(seen, [
    ["two of it".length, "one", "nothing"],
    ["folder", "two of it", "one"],
  ]);
  strictEqual((await Deno.stat(to)).mode! & 0o777, 0o755);
});

Deno.test("an unpacked program is on disk with all of its files before it has its name", async () => {
  await using folder = await ThrowAwayFolder.make();
  const [from, to] = [folder.at("from"), folder.at("runtimes/one")];
  await Deno.mkdir(`${from}/share`, { recursive: true });
  await Deno.writeTextFile(`${from}/deno`, "program", { mode: 0o700 });
  await Deno.writeTextFile(`${from}/share/text`, "a text", { mode: 0o600 });
  const seen: unknown[] = [];
  {
    using _watch = await watchSyncs(async ({ isFolder, bytes }) => {
      seen.push([isFolder ? "folder" : bytes, await textAt(`${to}/deno`)]);
    });
    await copyRuntime(from, to);
  }
  deepStrictEqual(seen.slice(0, -1).map((each) => JSON.stringify(each)).sort(), [
    '["folder","nothing"]',
    '["folder","nothing"]',
    '[6,"nothing"]',
    '[7,"nothing"]',
  ]);
  deepStrictEqual(seen.at(-1), ["folder", "program"]);
});
