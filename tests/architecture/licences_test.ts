/**
 * Everything that is locked may be shipped: the licence of each package is one we accept.
 *
 * @module
 */

import { deepStrictEqual, ok } from "node:assert/strict";

/** Licences that allow shipping the package inside ours, with attribution at most. */
const accepted = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
  "(Apache-2.0 AND BSD-3-Clause)",
]);

const root = new URL("../../", import.meta.url);

Deno.test("every locked package has a licence that we accept", async () => {
  const lock: { readonly npm: Readonly<Record<string, unknown>> } = JSON.parse(
    await Deno.readTextFile(new URL("deno.lock", root)),
  );
  // Behind the version, a key may name peers after an underscore.
  const locked = Object.keys(lock.npm).map((key) => /^(@?[^@]+)@([^_]+)/.exec(key) ?? []);
  ok(locked.length > 10);
  const cache = await npmCache();
  const refused: string[] = [];
  for (const [key, name, version] of locked) {
    const text = await Deno.readTextFile(`${cache}/${name}/${version}/package.json`);
    const { license } = JSON.parse(text);
    if (!accepted.has(license)) refused.push(`${key}: ${license}`);
  }
  deepStrictEqual(refused, []);
});

/** The folder of Deno's cache that holds the packages of the one npm registry in use. */
async function npmCache(): Promise<string> {
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache: folder } = JSON.parse(new TextDecoder().decode(info.stdout));
  const registries = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) registries.push(entry.name);
  }
  return `${folder}/${registries[0]}`;
}
