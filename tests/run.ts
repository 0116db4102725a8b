/**
 * `deno task test` — everything there is to check, in order, the twenty tests that took longest, and
 * one line of counts at the end.
 *
 * The parts that need podman run in a sandbox as a user without privileges, and the boot test on a
 * machine with a systemd of its own. Where none can be had they are skipped loudly, which in CI is a
 * failure. A part that fails does not keep the next ones from running; a part that ends without a
 * report, or without a single test, has failed, and so has one that leaves a process behind.
 *
 * Nothing is run twice. No part is ended while its tests go on: how long they take depends on what else
 * the machine does. One that has printed nothing for a quarter of an hour is ended, and the test named.
 *
 * The parts are run in three rows beside each other; two of them are shown after the first.
 *
 * Needs every permission: it starts programs, and the sandbox mounts and gives files away.
 *
 * @module
 */

import { ensurePackages, ensureRegistryProgram } from "../deploy/sandbox/packages.ts";
import { runGroup } from "../deploy/sandbox/run_group.ts";
import { openSandbox } from "../deploy/sandbox/sandbox.ts";
import { stopSignals } from "../deploy/sandbox/stop_signals.ts";
import { makeThrowAway } from "../deploy/sandbox/throw_away.ts";
import { whyNoSandbox } from "../deploy/sandbox/why_no_sandbox.ts";
import { machinePackages } from "./machine/packages.ts";
import { whyNoMachine } from "./machine/why_no_machine.ts";
import { runBeside } from "./beside.ts";
import {
  addCounts,
  addOutcomes,
  countTests,
  formatCounts,
  noTests,
  oneFailed,
  type Outcome,
  slowest,
  testTimes,
} from "./junit_counts.ts";
import { endLeftBehind, findLeftBehind, markName } from "./left_behind.ts";
import { stallMs, StallWatch } from "./stall.ts";
import { keptImagesVariable } from "./support/kept_images.ts";

/** One part of the run. Gives what became of its tests. */
export interface Part {
  readonly title: string;
  run(place: PartPlace): Promise<Outcome>;
}

/** Where a part runs. */
interface PartPlace {
  readonly signal: AbortSignal;
  /** For every program that it starts. */
  readonly env: Readonly<Record<string, string>>;
  /** Takes what its programs print. */
  readonly onOutput: (bytes: Uint8Array) => void;
  /** A folder for its report. */
  readonly reports: string;
}

/** What all parts of a run have. */
export interface Run {
  /** Marks whatever is started. */
  readonly id: string;
  /** A folder for reports. */
  readonly reports: string;
  readonly stopSignal: AbortSignal;
}

/** A part, and why it cannot be run here, if it cannot. */
type PossiblePart = readonly [Part, string | undefined];

const repository = new URL("../", import.meta.url).pathname;

/** Type-checking is the gate's: the same files need not be checked in every part. */
const denoTest = ["test", "--no-check", "--no-prompt"];

const nothingRan: Outcome = { counts: noTests, times: [] };
const failure: Outcome = { counts: oneFailed, times: [] };

const shownSlowest = 20;

/** The parts that are run beside the others: they wait much. */
const rowsBeside = {
  podman: async (): Promise<readonly PossiblePart[]> => [
    [sandboxTests("Podman tests", "tests/podman"), await whyNoSandbox()],
  ],
  boot: async (): Promise<readonly PossiblePart[]> => {
    const noSandbox = await whyNoSandbox();
    return [
      [tests("Boot", ["--allow-all"], ["tests/machine", "tests/boot"]), await whyNoMachine()],
      [sandboxTests("Faults", "tests/faults"), noSandbox],
      [sandboxTests("Stories", "tests/stories"), noSandbox],
    ];
  },
} as const;

if (import.meta.main) {
  using stop = stopSignals();
  await using throwAway = await makeThrowAway();
  const [row, id = crypto.randomUUID(), outcomeFile] = Deno.args;
  const run: Run = { id, reports: throwAway.path, stopSignal: stop.signal };
  if (row !== undefined && outcomeFile !== undefined) {
    const parts = rowsBeside[row as keyof typeof rowsBeside];
    const outcome = await runParts(run, await parts());
    await Deno.writeTextFile(outcomeFile, JSON.stringify(outcome));
  } else {
    const { counts, times } = await runAll(run);
    say(`\n=== The ${shownSlowest} tests that took longest ===`);
    for (const { seconds, file, name } of slowest(times, shownSlowest)) {
      say(`${seconds.toFixed(1).padStart(6)} s  ${file.replace(/^\.\//, "")}: ${name}`);
    }
    say("");
    say(formatCounts(counts));
    if (counts.failed > 0 || stop.signal.aborted) Deno.exitCode = 1;
  }
}

async function runAll(run: Run): Promise<Outcome> {
  // First: the stories are played with what is built, and apt-get is used by one at a time.
  const built = await runPart(run, building());
  if (run.stopSignal.aborted) return built;
  await preparePackages();
  const beside = Object.keys(rowsBeside).map((row) =>
    runBeside([row, run.id, `${run.reports}/${row}.json`], run.stopSignal)
  );
  const own = await runParts(run, [
    [gate(), undefined],
    [
      tests("Unit tests", ["--doc", "--allow-read", "--allow-env"], [
        ...["lib", "cli", "agent", "proto", "deploy", "tests/junit_counts_test.ts"],
        ...["tests/bench", "tests/mutants", "tests/debian13"],
      ]),
      undefined,
    ],
    [tests("Component tests", ["--allow-all"], ["tests/component"]), undefined],
    [tests("Architecture tests", ["--allow-all"], ["tests/architecture"]), undefined],
    [tests("Built files", ["--allow-all"], ["tests/build"]), undefined],
  ]);
  const others: Outcome[] = [];
  for (const each of beside) others.push(await each.finish());
  const left = await judgeLeftBehind("The run", `${run.id}/`);
  return addOutcomes(built, own, ...others, left);
}

/** Runs parts in their order. */
export async function runParts(run: Run, parts: readonly PossiblePart[]): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  for (const [part, reason] of parts) {
    outcomes.push(
      reason === undefined ? await runPart(run, part) : skipPart(part.title, reason),
    );
  }
  return addOutcomes(...outcomes);
}

/** What the parts would install, each when it needs it. Without root they say what is missing. */
async function preparePackages(): Promise<void> {
  if (Deno.uid() !== 0) return;
  await ensurePackages(say);
  await ensurePackages(say, machinePackages);
  await ensureRegistryProgram(say);
}

async function runPart({ id, reports, stopSignal }: Run, part: Part): Promise<Outcome> {
  if (stopSignal.aborted) return nothingRan;
  const { title } = part;
  say(`\n=== ${title} ===`);
  const startedAt = performance.now();
  using watch = new StallWatch();
  const mark = `${id}/${title}`;
  const tested = await part.run({
    reports,
    signal: AbortSignal.any([stopSignal, watch.signal]),
    env: { [markName]: mark },
    onOutput: (bytes) => {
      for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
      watch.heard(bytes);
    },
  }).catch((error) => {
    // The counts of the other parts are still worth printing, with this among them.
    say(error instanceof Error ? error.message : String(error));
    return failure;
  });
  if (watch.signal.aborted) {
    say(`It printed nothing for ${stallMs / 60_000} minutes and was ended. The last was:`);
    say(watch.last);
  }
  const outcome = addOutcomes(tested, await judgeLeftBehind(title, mark));
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  say(`--- ${title}: ${formatCounts(outcome.counts)} in ${seconds} s`);
  return outcome;
}

/** Names the processes that are left, and ends them. */
async function judgeLeftBehind(who: string, mark: string): Promise<Outcome> {
  const left = await findLeftBehind(mark);
  if (left.length === 0) return nothingRan;
  say(`${who} left processes behind, which are ended now:`);
  for (const { pid, argv } of left) say(`${pid}  ${argv.join(" ")}`);
  endLeftBehind(left);
  return failure;
}

function skipPart(title: string, reason: string): Outcome {
  const isCi = Deno.env.get("CI") === "true";
  say(`\n=== ${title} ===`);
  say(`SKIPPED${isCi ? ", which CI does not accept" : ""}: not possible here, ${reason}`);
  return isCi ? failure : { counts: { ...noTests, skipped: 1 }, times: [] };
}

/** What `deno task ok` checks besides tests has no counts; failing, it counts as one failed test. */
function gate(): Part {
  return task("Gate", "check");
}

/** What is built has no counts either; the parts that need it then say that it is missing. */
function building(): Part {
  return task("Build", "build");
}

function task(title: string, name: string): Part {
  return {
    title,
    run: async (place) => await runDeno(["task", name], place) === 0 ? nothingRan : failure,
  };
}

/** Tests that need no sandbox; `env` is added to the environment. */
export function tests(
  title: string,
  permissions: readonly string[],
  paths: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Part {
  return {
    title,
    run: async (place) => {
      const report = `${place.reports}/${title}.xml`;
      const args = [...denoTest, `--junit-path=${report}`, ...permissions, ...paths];
      const exitCode = await runDeno(args, { ...place, env: { ...place.env, ...env } });
      return await judge(exitCode, report);
    },
  };
}

/**
 * Each part has a sandbox of its own, so that none meets what another left in podman.
 *
 * @param system The root of another system, whose podman is used.
 */
export function sandboxTests(title: string, folder: string, system?: string): Part {
  return {
    title: `${title} (in a sandbox)`,
    run: async (place) => {
      await using sandbox = await openSandbox({
        tell: say,
        ...(system === undefined ? {} : { system }),
      });
      const { inside, outside } = sandbox.outbox;
      // Without network and on a read-only tree: nothing may be downloaded, nor the lock changed.
      const options = ["--cached-only", "--frozen", `--junit-path=${inside}/tests.xml`];
      const argv = ["deno", ...denoTest, ...options, "--allow-all", folder];
      const { signal, onOutput } = place;
      const env = { ...place.env, [keptImagesVariable]: inside };
      const exitCode = await sandbox.run({ argv, signal, env, onOutput });
      return await judge(exitCode, `${outside}/tests.xml`);
    },
  };
}

/** A report alone is not trusted: a module that does not load is missing from it. */
async function judge(exitCode: number, report: string): Promise<Outcome> {
  const text = await readReport(report);
  const counts = countTests(text);
  const times = testTimes(text);
  const hasTests = counts.passed + counts.failed + counts.skipped > 0;
  if (hasTests && (exitCode === 0 || counts.failed > 0)) return { counts, times };
  say(
    `deno test ended with exit code ${exitCode} and ${hasTests ? "no failed" : "without a"} test`,
  );
  return { counts: addCounts(counts, oneFailed), times };
}

async function readReport(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    // Nothing ran, or it crashed before it could report; judge() says so.
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function runDeno(
  args: readonly string[],
  { signal, env, onOutput }: PartPlace,
): Promise<number> {
  return await runGroup([Deno.execPath(), ...args], { signal, env, onOutput, cwd: repository });
}

/** To stdout, where `deno test` writes too, so that a log reads in the order things happened. */
export function say(line: string): void {
  // deno-lint-ignore no-console -- an entry: this is its output
  console.log(line);
}
