/**
 * What `deno task mutants` is told.
 *
 * @module
 */

/** A run. */
export interface MutantArguments {
  /** Mutants by name; none = all there are. */
  readonly names: readonly string[];
  readonly list: boolean;
  readonly json: boolean;
  /** How many are tried at the same time. */
  readonly jobs: number;
}

export const usage = "deno task mutants [--list] [--json] [--jobs N] [NAME…]";

/** @throws {Error} Where it cannot be meant. */
export function parseArguments(args: readonly string[]): MutantArguments {
  let parsed: MutantArguments = { names: [], list: false, json: false, jobs: 1 };
  for (let index = 0; index < args.length; index++) {
    const [name = "", joined] = (args[index] ?? "").split("=", 2);
    if (name === "--list") parsed = { ...parsed, list: true };
    else if (name === "--json") parsed = { ...parsed, json: true };
    else if (name === "--jobs") parsed = { ...parsed, jobs: jobsOf(joined ?? args[++index]) };
    else if (name.startsWith("-")) throw new Error(`Unknown: ${name}. Usage: ${usage}`);
    else parsed = { ...parsed, names: [...parsed.names, name] };
  }
  return parsed;
}

function jobsOf(text: string | undefined): number {
  const jobs = Number(text ?? NaN);
  if (Number.isInteger(jobs) && jobs >= 1) return jobs;
  throw new Error(`--jobs must be 1 or more, not ${JSON.stringify(text ?? "")}. Usage: ${usage}`);
}
