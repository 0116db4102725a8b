/**
 * `deno task test` — everything there is to check, in order, and one line of counts at the end.
 *
 * The parts that need podman run in a sandbox as a user without privileges, and the boot test on a
 * machine with a systemd of its own. Where none can be had they are skipped loudly, which in CI is a
 * failure. A part that fails does not keep the next ones from running; a part that ends without a
 * report, or without a single test, has failed.
 *
 * A file in which a test with podman failed is run once more by itself, which is said.
 * The longest parts run beside the others, and are shown after them.
 *
 * Needs every permission: it starts programs, and the sandbox mounts and gives files away.
 *
 * @module
 */

import { ensurePackages, ensureRegistryProgram } from "../deploy/sandbox/packages.ts";
import { openSandbox } from "../deploy/sandbox/sandbox.ts";
import { stopSignals } from "../deploy/sandbox/stop_signals.ts";
import { makeThrowAway } from "../deploy/sandbox/throw_away.ts";
import { whyNoSandbox } from "../deploy/sandbox/why_no_sandbox.ts";
import { machinePackages } from "./machine/packages.ts";
import { whyNoMachine } from "./machine/why_no_machine.ts";
import { runBeside } from "./beside.ts";
import {
  addCounts,
  countTests,
  failedFiles,
  formatCounts,
  noTests,
  type TestCounts,
  withoutFiles,
} from "./junit_counts.ts";

/** One part of the run. Gives what became of its tests. */
export interface Part {
  readonly title: string;
  readonly timeoutMs: number;
  run(signal: AbortSignal): Promise<TestCounts>;
}

const repository = new URL("../", import.meta.url).pathname;

/** Type-checking is the gate's: the same files need not be checked in every part. */
const denoTest = ["test", "--no-check", "--no-prompt"];

const oneFailed: TestCounts = { ...noTests, failed: 1 };

/** How a process ends that died of SIGABRT or SIGSEGV: nothing written in TypeScript does. */
const deathsOfDeno = [134, 139];

/** How the run that is made beside the first one is told what to do. */
const besideRun = "beside";

if (import.meta.main) {
  using stop = stopSignals();
  await using throwAway = await makeThrowAway();
  const [what, countsFile] = Deno.args;
  if (what === besideRun && countsFile !== undefined) {
    const counts = await runBesideParts(throwAway.path, stop.signal);
    await Deno.writeTextFile(countsFile, JSON.stringify(counts));
  } else {
    const counts = await runAll(throwAway.path, stop.signal);
    say("");
    say(formatCounts(counts));
    if (counts.failed > 0 || stop.signal.aborted) Deno.exitCode = 1;
  }
}

async function runAll(reports: string, stopSignal: AbortSignal): Promise<TestCounts> {
  // First: the stories are played with what is built, and apt-get is used by one at a time.
  let counts = await runPart(building(), stopSignal);
  if (stopSignal.aborted) return counts;
  await preparePackages();
  const beside = runBeside([besideRun, `${reports}/beside.json`], stopSignal);
  const noSandbox = await whyNoSandbox();
  const parts: readonly PossiblePart[] = [
    [gate(), undefined],
    [
      tests("Unit tests", reports, ["--doc", "--allow-read", "--allow-env"], [
        ...[
          "lib",
          "cli",
          "agent",
          "proto",
          "deploy",
          "tests/junit_counts_test.ts",
          "tests/bench",
          "tests/debian13",
        ],
      ]),
      undefined,
    ],
    [tests("Component tests", reports, ["--allow-all"], ["tests/component"]), undefined],
    [tests("Architecture tests", reports, ["--allow-all"], ["tests/architecture"]), undefined],
    [tests("Built files", reports, ["--allow-all"], ["tests/build"]), undefined],
    [sandboxTests("Faults", "tests/faults"), noSandbox],
    [sandboxTests("Stories", "tests/stories"), noSandbox],
  ];
  counts = addCounts(counts, await runParts(parts, stopSignal));
  return addCounts(counts, await beside.finish());
}

/** The parts that take about as long as all others together. */
async function runBesideParts(reports: string, stopSignal: AbortSignal): Promise<TestCounts> {
  return await runParts([
    [sandboxTests("Podman tests", "tests/podman"), await whyNoSandbox()],
    [
      tests("Boot", reports, ["--allow-all"], ["tests/machine", "tests/boot"]),
      await whyNoMachine(),
    ],
  ], stopSignal);
}

/** A part, and why it cannot be run here, if it cannot. */
export type PossiblePart = readonly [Part, string | undefined];

/** Runs them in their order, and gives the counts of all. */
export async function runParts(
  parts: readonly PossiblePart[],
  stopSignal: AbortSignal,
): Promise<TestCounts> {
  let counts = noTests;
  for (const [part, reason] of parts) {
    const outcome = reason === undefined
      ? await runPart(part, stopSignal)
      : skipPart(part.title, reason);
    counts = addCounts(counts, outcome);
  }
  return counts;
}

/** What the parts would install, each when it needs it. Without root they say what is missing. */
async function preparePackages(): Promise<void> {
  if (Deno.uid() !== 0) return;
  await ensurePackages(say);
  await ensurePackages(say, machinePackages);
  await ensureRegistryProgram(say);
}

async function runPart(part: Part, stopSignal: AbortSignal): Promise<TestCounts> {
  if (stopSignal.aborted) return noTests;
  say(`\n=== ${part.title} ===`);
  const startedAt = performance.now();
  const timeout = AbortSignal.timeout(part.timeoutMs);
  const counts = await part.run(AbortSignal.any([stopSignal, timeout])).catch((error) => {
    // The counts of the other parts are still worth printing, with this among them.
    say(error instanceof Error ? error.message : String(error));
    return oneFailed;
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const late = timeout.aborted ? `, stopped after its ${part.timeoutMs / 60_000} minutes` : "";
  say(`--- ${part.title}: ${formatCounts(counts)} in ${seconds} s${late}`);
  return counts;
}

function skipPart(title: string, reason: string): TestCounts {
  const isCi = Deno.env.get("CI") === "true";
  say(`\n=== ${title} ===`);
  say(`SKIPPED${isCi ? ", which CI does not accept" : ""}: not possible here, ${reason}`);
  return isCi ? oneFailed : { ...noTests, skipped: 1 };
}

/** What `deno task ok` checks besides tests has no counts; failing, it counts as one failed test. */
function gate(): Part {
  return {
    title: "Gate",
    timeoutMs: 300_000,
    run: async (signal) => await runDeno(["task", "check"], signal) === 0 ? noTests : oneFailed,
  };
}

/** What is built has no counts either; the parts that need it then say that it is missing. */
function building(): Part {
  return {
    title: "Build",
    timeoutMs: 300_000,
    run: async (signal) => await runDeno(["task", "build"], signal) === 0 ? noTests : oneFailed,
  };
}

/** Tests that need no sandbox; `env` is added to the environment. */
export function tests(
  title: string,
  reports: string,
  permissions: readonly string[],
  paths: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Part {
  const report = `${reports}/${title}.xml`;
  return {
    title,
    timeoutMs: 600_000,
    run: async (signal) => {
      const args = [...denoTest, `--junit-path=${report}`, ...permissions, ...paths];
      return await judge(await unlessDenoDies(() => runDeno(args, signal, env)), report);
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
    timeoutMs: 900_000,
    run: async (signal) => {
      await using sandbox = await openSandbox({
        tell: say,
        ...(system === undefined ? {} : { system }),
      });
      const { inside, outside } = sandbox.outbox;
      // Without network and on a read-only tree: nothing may be downloaded, nor the lock changed.
      const options = [
        ...denoTest,
        "--cached-only",
        "--frozen",
        `--junit-path=${inside}/tests.xml`,
      ];
      const run = async (...paths: readonly string[]) => {
        const argv = ["deno", ...options, "--allow-all", ...paths];
        const exitCode = await unlessDenoDies(() => sandbox.run({ argv, signal }));
        return await judge(exitCode, `${outside}/tests.xml`);
      };
      const counts = await run(folder);
      const report = await readReport(`${outside}/tests.xml`);
      const failed = failedFiles(report);
      if (failed.length === 0 || signal.aborted) return counts;
      // Podman and the machine are shared, and what is told may come late: what fails alone as well
      // has failed.
      say(
        `${failed.length} of its files had a failure, and are run once more: ${failed.join(" ")}`,
      );
      return addCounts(countTests(withoutFiles(report, failed)), await run(...failed));
    },
  };
}

/**
 * Runs a part of the tests once more when Deno itself has died in it.
 *
 * Deno 2.9.6 now and then dies inside nghttp2 when a connection is told to go away
 * (denoland/deno#36788), above all where client and server are one process, as in tests.
 */
async function unlessDenoDies(run: () => Promise<number>): Promise<number> {
  const exitCode = await run();
  if (!deathsOfDeno.includes(exitCode)) return exitCode;
  say(`Deno itself died (exit code ${exitCode}); this part is run once more`);
  return await run();
}

/** A report alone is not trusted: a module that does not load is missing from it. */
async function judge(exitCode: number, report: string): Promise<TestCounts> {
  const text = await readReport(report);
  const counts = countTests(text);
  const hasTests = counts.passed + counts.failed + counts.skipped > 0;
  if (hasTests && (exitCode === 0 || counts.failed > 0)) return counts;
  say(
    `deno test ended with exit code ${exitCode} and ${hasTests ? "no failed" : "without a"} test`,
  );
  return addCounts(counts, oneFailed);
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
  signal: AbortSignal,
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: repository,
    signal,
    env: { ...env },
  });
  return (await child.spawn().status).code;
}

/** To stdout, where `deno test` writes too, so that a log reads in the order things happened. */
export function say(line: string): void {
  // deno-lint-ignore no-console -- an entry: this is its output
  console.log(line);
}
