/**
 * Every mutant still applies to the tree, and the tests that should see it are there.
 *
 * Whether they do see it is what `deno task mutants` says; it takes too long for CI.
 *
 * @module
 */

import { deepStrictEqual, ok } from "node:assert/strict";
import { mutants } from "../mutants/guards.ts";
import { broken } from "../mutants/mutant.ts";

const root = new URL("../../", import.meta.url);

/** Guards that are broken one at a time. */
const least = 60;

Deno.test("every mutant applies to the tree: its text is there once, and is replaced by another", async () => {
  const failures: string[] = [];
  for (const mutant of mutants) {
    try {
      broken(await Deno.readTextFile(new URL(mutant.file, root)), mutant);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  deepStrictEqual(failures, []);
});

Deno.test("every mutant has a name of its own, and tests that are there", async () => {
  ok(mutants.length >= least, `${mutants.length} mutants`);
  const names = mutants.map(({ name }) => name);
  deepStrictEqual(names.filter((name) => !/^[a-z]+(-[a-z]+)*$/.test(name)), []);
  deepStrictEqual(names.filter((name, at) => names.indexOf(name) !== at), []);
  const missing: string[] = [];
  for (const { name, tests } of mutants) {
    for (const path of tests.paths) {
      await Deno.stat(new URL(path, root)).catch(() => missing.push(`${name}: ${path}`));
    }
  }
  deepStrictEqual(missing, []);
});
