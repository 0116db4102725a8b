/**
 * A build that is one schema ahead: what an upgrade brings that has changed the registry.
 *
 * @module
 */

import { demandCommand } from "../../deploy/sandbox/command.ts";
import { type Build, build } from "./scene.ts";

const repository = new URL("../../", import.meta.url).pathname;

/** What it takes to build. */
const parts = ["agent", "cli", "deno.json", "deno.lock", "deploy", "lib", "proto"];

const migrationList = "agent/registry/migrations/index.ts";

/** Builds into a folder, from a copy of this tree with one more migration. */
export async function buildNewer(folder: string): Promise<Build> {
  const tree = `${folder}-tree`;
  await Deno.mkdir(`${tree}/tests`, { recursive: true });
  const timeoutMs = 600_000;
  await demandCommand("copy the tree", [
    ...["cp", "--archive", ...parts.map((part) => `${repository}${part}`), tree],
  ], { timeoutMs });
  // A member of the workspace, of which only the name is needed.
  await Deno.copyFile(`${repository}tests/deno.json`, `${tree}/tests/deno.json`);
  const file = `${tree}/${migrationList}`;
  const text = await Deno.readTextFile(file);
  const changed = text.replace(
    /,?\s*\];\s*$/,
    ", `CREATE TABLE of_a_newer_schema (id INTEGER PRIMARY KEY) STRICT`];\n",
  );
  if (changed === text) throw new Error(`${migrationList} does not end as expected`);
  await Deno.writeTextFile(file, changed);
  return await build(folder, tree);
}
