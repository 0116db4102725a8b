/**
 * The machine that this program runs on.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import { realClock } from "../../../lib/system/clock.ts";
import { realExec } from "../../../lib/system/exec.ts";
import { realFiles } from "../../../lib/system/files.ts";
import { layoutBelow } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { readNodeFiles } from "./node_files.ts";

/** What a built program is told by its first lines. */
export const environmentNames = ["MCP_EXECUTABLE", "MCP_RUNTIME"] as const;

/**
 * @param verb What is to be done, e.g. "install".
 * @throws {McpError} `invalid` when this program runs from its source.
 */
export async function realMachine(verb: string): Promise<Machine> {
  const [executable, runtime] = environmentNames.map((name) => Deno.env.get(name));
  if (executable === undefined || runtime === undefined) {
    throw new McpError("invalid", `Cannot ${verb}: this program runs from its source`, {
      hint: "Run `deno task build`, copy dist/mcp-agent to the machine and run it there",
    });
  }
  return {
    root: "",
    layout: layoutBelow(""),
    isRoot: Deno.uid() === 0,
    program: { executable, runtime },
    nodeFiles: await readNodeFiles(realFiles, runtime),
    exec: realExec,
    files: realFiles,
    clock: realClock,
    answers,
  };
}

async function answers(hostname: string, port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port })).close();
    return true;
  } catch {
    // Nobody listens yet, whatever the reason is.
    return false;
  }
}
