/**
 * What `deno task bench` is told.
 *
 * @module
 */

/** A run. */
export interface BenchArguments {
  /** Measures by name, in this order; none = all there are. */
  readonly names: readonly string[];
  readonly list: boolean;
  /** Whether what is measured anew of some measures is to be committed beside the last whole run. */
  readonly keep: boolean;
  readonly repeat: number;
  readonly idleMinutes: number;
  /** A checkout with an earlier build in its `dist`, to be measured in the same run. */
  readonly beside: string | undefined;
}

export const usage =
  "deno task bench [--list] [--keep] [--repeat N] [--idle-minutes N] [--beside DIR] [NAME…]";

/** Fewer samples than this have no middle that one would believe. */
export const fewest = 5;

const defaults: BenchArguments = {
  names: [],
  list: false,
  keep: false,
  repeat: fewest,
  idleMinutes: 10,
  beside: undefined,
};

/** @throws {Error} Where it cannot be meant. */
export function parseArguments(args: readonly string[]): BenchArguments {
  let parsed = defaults;
  for (let index = 0; index < args.length; index++) {
    const [name = "", ...joined] = (args[index] ?? "").split("=");
    const value = () => joined.length > 0 ? joined.join("=") : args[++index] ?? "";
    if (name === "--list") parsed = { ...parsed, list: true };
    else if (name === "--keep") parsed = { ...parsed, keep: true };
    else if (name === "--repeat") {
      parsed = { ...parsed, repeat: atLeast(1, name, value(), Number.isInteger) };
    } else if (name === "--idle-minutes") {
      parsed = { ...parsed, idleMinutes: atLeast(0.1, name, value(), Number.isFinite) };
    } else if (name === "--beside") {
      const folder = value();
      if (folder === "") throw new Error(`--beside needs a folder. Usage: ${usage}`);
      parsed = { ...parsed, beside: folder };
    } else if (name.startsWith("-")) throw new Error(`Unknown: ${name}. Usage: ${usage}`);
    else parsed = { ...parsed, names: [...parsed.names, name] };
  }
  return parsed;
}

function atLeast(
  least: number,
  name: string,
  text: string,
  isRight: (value: number) => boolean,
): number {
  const value = text === "" ? NaN : Number(text);
  if (isRight(value) && value >= least) return value;
  throw new Error(`${name} must be ${least} or more, not ${JSON.stringify(text)}. Usage: ${usage}`);
}

/**
 * The name under which a run's results are kept. Only a run of everything, with enough samples, takes
 * the place of the one that is committed; some of it with enough samples may stand beside it.
 */
export function resultsName(
  { names, keep, repeat, idleMinutes }: Omit<BenchArguments, "beside">,
): string {
  const hasEnough = repeat >= fewest && idleMinutes >= defaults.idleMinutes;
  if (!hasEnough) return "partial";
  if (names.length === 0) return "latest";
  return keep ? "since" : "partial";
}
