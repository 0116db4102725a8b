/**
 * What is built.
 *
 * @module
 */

import { allSubcommands } from "../../agent/program.ts";
import { grants } from "../../cli/grants.ts";
import { agentArguments, fixedArguments } from "./launcher.ts";

/** One of the two programs. */
export interface BuiltProgram {
  readonly name: "mcp" | "mcp-agent";
  /** Path in the repository. */
  readonly entry: string;
  /** The part of its launcher that gives it its permissions. */
  readonly arguments: string;
  /** Its permissions, where they are the same whatever it is told to do. */
  readonly fixedGrants?: readonly string[];
}

/**
 * What makes one short command after the other start sooner. Not for the agent: it starts once, and
 * would keep in memory what it never runs.
 */
const quickStart: readonly string[] = [
  // What a command does not import is not even looked at. It needs leave to read what it does import.
  "--unstable-lazy-dynamic-imports",
  // Deno keeps what V8 has compiled when a file is first loaded. Left to itself V8 compiles most
  // functions only when they are called, and would do so again at each start. And with room for what a
  // command leaves behind (MiB), most commands end before it is worth collecting.
  "--v8-flags=--no-lazy,--min-semi-space-size=16",
];

/** The programs, in the order they are built. */
export async function builtPrograms(): Promise<readonly BuiltProgram[]> {
  const agentTemplate = await Deno.readTextFile(new URL("agent_arguments.sh", import.meta.url));
  return [
    {
      name: "mcp",
      entry: "cli/main.ts",
      arguments: fixedArguments([...quickStart, ...grants]),
      fixedGrants: grants,
    },
    {
      name: "mcp-agent",
      entry: "agent/main.ts",
      arguments: agentArguments(agentTemplate, await allSubcommands()),
    },
  ];
}
