/**
 * The map of requirements names files that exist.
 *
 * @module
 */

import { deepStrictEqual, ok } from "node:assert/strict";

const root = new URL("../../", import.meta.url);

Deno.test("every file that docs/requirements.md names exists", async () => {
  const map = await Deno.readTextFile(new URL("docs/requirements.md", root));
  const named = [...map.matchAll(/`((?:agent|cli|lib|proto|tests|deploy)\/[\w./-]+)`/g)]
    .map(([, path]) => path ?? "");
  ok(named.length > 80);
  const missing: string[] = [];
  for (const path of new Set(named)) {
    await Deno.stat(new URL(path, root)).catch(() => missing.push(path));
  }
  deepStrictEqual(missing, []);
});
