/**
 * The executables that `deno task build` has made.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** Where they are. */
export interface BuiltPrograms {
  readonly folder: string;
  readonly mcp: string;
  readonly agent: string;
}

/** Finds them; they are not built here, since where tests run the repository may be read-only. */
export async function builtPrograms(): Promise<BuiltPrograms> {
  const folder = fileURLToPath(new URL("../../dist", import.meta.url));
  const programs = { folder, mcp: `${folder}/mcp`, agent: `${folder}/mcp-agent` };
  for (const program of [programs.mcp, programs.agent]) {
    try {
      await Deno.stat(program);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new Error(`There is no ${program}. Run \`deno task build\``);
    }
  }
  return programs;
}
