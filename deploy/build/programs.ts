/**
 * What is built.
 *
 * @module
 */

import { program as subcommands } from "../../agent/program.ts";
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

/** The programs, in the order they are built. */
export async function builtPrograms(): Promise<readonly BuiltProgram[]> {
  const agentTemplate = await Deno.readTextFile(new URL("agent_arguments.sh", import.meta.url));
  return [
    {
      name: "mcp",
      entry: "cli/main.ts",
      arguments: fixedArguments(grants),
      fixedGrants: grants,
    },
    {
      name: "mcp-agent",
      entry: "agent/main.ts",
      arguments: agentArguments(agentTemplate, subcommands),
    },
  ];
}
