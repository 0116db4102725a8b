/**
 * One measure in a process of its own: reads what it is given, runs it, writes what came of it.
 *
 * Started by `main.ts`, in a sandbox or not; never by hand.
 *
 * @module
 */

import { type Bench, CannotMeasure, type Measure, type Row } from "./measure.ts";

/** What `main.ts` writes for it. */
export interface Request extends Omit<Bench, "tell"> {
  readonly name: string;
  /** Gets an {@link Answer}, as JSON. */
  readonly answerFile: string;
}

/** What came of it. */
export type Answer = { readonly rows: readonly Row[] } | { readonly skipped: string } | {
  readonly failed: string;
};

/** Loads a measure by its name. */
export async function loadMeasure(name: string): Promise<Measure> {
  const { measure } = await import(new URL(`measures/${name}.ts`, import.meta.url).href);
  if (measure?.name !== name) throw new Error(`measures/${name}.ts exports no measure "${name}"`);
  return measure;
}

if (import.meta.main) {
  // Written by main.ts of the same tree a moment ago, so its shape needs no checking.
  const request: Request = JSON.parse(await Deno.readTextFile(Deno.args[0] ?? ""));
  const answer = await answerTo(request);
  await Deno.writeTextFile(request.answerFile, JSON.stringify(answer));
  // What a measure left open must not keep the others waiting.
  Deno.exit(0);
}

async function answerTo({ name, answerFile: _, ...bench }: Request): Promise<Answer> {
  const measure = await loadMeasure(name);
  try {
    return { rows: await measure.run({ ...bench, tell }) };
  } catch (error) {
    if (error instanceof CannotMeasure) return { skipped: error.message };
    tell(error instanceof Error ? error.stack ?? error.message : String(error));
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

function tell(line: string): void {
  // deno-lint-ignore no-console -- an entry: what is said to people goes to stderr
  console.error(`    ${line}`);
}
