/**
 * Building: the same tree gives the same files, and nothing that is not ours is taken for it.
 *
 * @module
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { build } from "../../deploy/build/build.ts";
import { compile, findDenort } from "../../deploy/build/compiled.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

Deno.test("two builds of one tree are the same to the byte", async () => {
  await using place = await ThrowAwayFolder.make();
  const silent = () => {};
  const sums = async (out: string) =>
    (await build({ out: place.at(out), tell: silent }))
      .filter(({ kind }) => kind === "self-contained")
      .map(({ name, sha256 }) => [name, sha256]);
  const first = await sums("first");
  ok(first.length > 0);
  deepStrictEqual(await sums("elsewhere/second"), first);
});

const files = [
  { path: "main.js", mode: 0o644, content: new TextEncoder().encode('console.log("mcp 1");') },
];

Deno.test("what deno compile makes of another runtime is not taken for ours", async () => {
  await using place = await ThrowAwayFolder.make();
  const output = place.at("mcp");
  // Deno itself, where its runtime should be: compiling succeeds, and yields Deno.
  const whyNot = await compile({
    files,
    grants: [],
    version: "mcp 1",
    denort: { file: Deno.execPath() },
    output,
  });
  match(whyNot ?? "", /^what it made is not ours: to --version it says "deno 2\./);
  deepStrictEqual(await Array.fromAsync(Deno.readDir(place.path)), []);
});

Deno.test("a runtime that cannot be run is told, and leaves no executable", async () => {
  await using place = await ThrowAwayFolder.make();
  await Deno.writeTextFile(place.at("denort"), "no program");
  const whyNot = await compile({
    files,
    grants: [],
    version: "mcp 1",
    denort: { file: place.at("denort") },
    output: place.at("mcp"),
  });
  match(whyNot ?? "", /^(deno compile failed|what it made does not start)/);
  const left = await Array.fromAsync(Deno.readDir(place.path), ({ name }) => name);
  deepStrictEqual(left, ["denort"]);
});

Deno.test("the runtime is found where DENORT_BIN says, else among what Deno has fetched", async () => {
  await using place = await ThrowAwayFolder.make();
  const found = (given?: string) => findDenort(place.path, () => given);
  match(JSON.stringify(await found()), /DENORT_BIN is not set, and there is no .*denort-/);
  match(JSON.stringify(await found("/nowhere")), /there is no \/nowhere/);
  deepStrictEqual(await found(Deno.execPath()), { file: Deno.execPath() });
  const folder = place.at(`dl/release/v${Deno.version.deno}`);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/denort-${Deno.build.target}.zip`, "");
  strictEqual(JSON.stringify(await found()), "{}");
});
