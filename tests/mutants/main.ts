/**
 * `deno task mutants` — breaks guards one at a time, and says which tests see it.
 *
 * The working tree is never touched: each job has a copy of it in a folder that is thrown away. A set
 * of tests is run without a mutant first, since tests that fail anyway say nothing. Types are not
 * checked: tests are to see it, not the compiler.
 *
 * Needs every permission: the tests do.
 *
 * @module
 */

import { stopSignals } from "../../deploy/sandbox/stop_signals.ts";
import { makeThrowAway } from "../../deploy/sandbox/throw_away.ts";
import { mutants } from "./guards.ts";
import { parseArguments } from "./arguments.ts";
import type { Mutant, TestSet } from "./mutant.ts";
import { Tree } from "./tree.ts";
import { judge, type TestRun, type Verdict, verdictText, whyVoid } from "./verdict.ts";

const repository = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");

/** Longest that tests may take without a mutant. */
const soundMs = 300_000;

/** What came of one mutant, and how long its tests took. */
interface Tried {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
  readonly elapsedMs: number;
}

if (import.meta.main) {
  using stop = stopSignals();
  try {
    Deno.exitCode = await main(Deno.args, stop.signal);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    tell(stop.signal.aborted ? "Stopped; nothing was left behind" : why);
    Deno.exitCode = stop.signal.aborted ? 130 : 1;
  }
}

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { names, list, json, jobs } = parseArguments(args);
  const unknown = names.filter((name) => !mutants.some((mutant) => mutant.name === name));
  if (unknown.length > 0) {
    throw new Error(`There is no mutant ${unknown.join(", ")}. \`--list\` names all there are`);
  }
  const wanted = mutants.filter(({ name }) => names.length === 0 || names.includes(name));
  if (list) {
    if (json) show(JSON.stringify({ mutants: wanted }, undefined, 2));
    else for (const { name, guard } of wanted) show(`${name}: ${guard}`);
    return 0;
  }
  const tried = await tryAll(wanted, jobs, signal);
  const seen = tried.filter(({ verdict }) => verdict.kind === "seen").length;
  const summary = `${seen} of ${tried.length} seen`;
  if (json) show(JSON.stringify({ summary, mutants: tried.map(asJson) }, undefined, 2));
  else {
    const width = Math.max(...tried.map(({ mutant }) => mutant.name.length));
    for (const { mutant: { name }, verdict } of tried) {
      show(`${name.padEnd(width)}  ${verdictText(verdict)}`);
    }
    show(summary);
  }
  return seen === tried.length ? 0 : 1;
}

/** Tries all of them, in the order of the list; so many at the same time as there are jobs. */
async function tryAll(
  wanted: readonly Mutant[],
  jobs: number,
  signal: AbortSignal,
): Promise<Tried[]> {
  await using throwAway = await makeThrowAway();
  await using undo = new AsyncDisposableStack();
  undo.defer(() => removeCompiled(throwAway.path));
  const sound = new Map<string, Promise<TestRun>>();
  const rest = [...wanted.entries()];
  const tried: Tried[] = [];
  let done = 0;
  const work = async (job: number) => {
    const tree = await Tree.copy(repository, `${throwAway.path}/${job}`);
    const runSound = (set: TestSet) => {
      const key = JSON.stringify(set);
      const run = sound.get(key) ?? tree.test(set, soundMs, signal);
      sound.set(key, run);
      return run;
    };
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      const [place, mutant] = next;
      const beganAt = performance.now();
      const verdict = await tryOne(mutant, tree, await runSound(mutant.tests), signal);
      const elapsedMs = Math.round(performance.now() - beganAt);
      tried[place] = { mutant, verdict, elapsedMs };
      done++;
      const seconds = (elapsedMs / 1000).toFixed(1);
      tell(`${done}/${wanted.length} ${mutant.name}: ${verdictText(verdict)} (${seconds} s)`);
    }
  };
  const works = Array.from({ length: Math.min(jobs, wanted.length) }, (_, job) => work(job));
  // All of them, before the folder is taken away from under those that still run.
  for (const end of await Promise.allSettled(works)) {
    if (end.status === "rejected") throw end.reason;
  }
  return tried;
}

/** What Deno has compiled of files that are gone, it would keep for ever. */
async function removeCompiled(path: string): Promise<void> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { typescriptCache } = JSON.parse(new TextDecoder().decode(stdout));
  await Deno.remove(`${typescriptCache}/file${path}`, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

async function tryOne(
  mutant: Mutant,
  tree: Tree,
  sound: TestRun,
  signal: AbortSignal,
): Promise<Verdict> {
  const why = whyVoid(sound);
  if (why !== undefined) return { kind: "void", why };
  // Generous: a machine that is busy must not be taken for a mutant that is seen.
  const timeoutMs = 30_000 + 5 * sound.elapsedMs;
  return await tree.whileBroken(
    mutant,
    async () => judge(await tree.test(mutant.tests, timeoutMs, signal)),
  );
}

function asJson({ mutant: { name, guard, file, tests }, verdict, elapsedMs }: Tried) {
  return { name, guard, file, tests, verdict, elapsed_ms: elapsedMs };
}

/** The answer. */
function show(line: string): void {
  // deno-lint-ignore no-console -- an entry: this is its output
  console.log(line);
}

/** What goes on. */
function tell(line: string): void {
  // deno-lint-ignore no-console -- an entry: what is said to people goes to stderr
  console.error(line);
}
