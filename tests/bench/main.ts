/**
 * `deno task bench` — measures MCP beside what else one could use, and writes a table.
 *
 * Each measure runs in a process of its own, those that need podman each in a sandbox of its own. What
 * cannot be measured here is skipped, and said on the screen and in the table. The exit code is 0 when
 * everything ran, whatever the targets say: no time fails anything.
 *
 * Needs every permission: it starts programs, and the sandbox mounts and gives files away.
 *
 * @module
 */

import { bundle } from "../../deploy/build/bundle.ts";
import { commitOf } from "../../deploy/build/commit.ts";
import { ensurePackages } from "../../deploy/sandbox/packages.ts";
import { openSandbox } from "../../deploy/sandbox/sandbox.ts";
import { stopSignals } from "../../deploy/sandbox/stop_signals.ts";
import { makeThrowAway } from "../../deploy/sandbox/throw_away.ts";
import { whyNoSandbox } from "../../deploy/sandbox/why_no_sandbox.ts";
import { type BenchArguments, parseArguments, resultsName } from "./arguments.ts";
import type { Bench, Measure } from "./measure.ts";
import { machineFacts, versions } from "./machine_facts.ts";
import { startDockerd, unpackDocker, whyNoDockerd } from "./peers/dockerd.ts";
import { json, judge, markdown, type Measured, targetTable } from "./report.ts";
import { type Answer, loadMeasure, type Request } from "./run_one.ts";

const repository = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");
const results = `${repository}/tests/bench/results`;

if (import.meta.main) {
  using stop = stopSignals();
  try {
    Deno.exitCode = await main(parseArguments(Deno.args), stop.signal);
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
    Deno.exitCode = 1;
  }
}

async function main(args: BenchArguments, signal: AbortSignal): Promise<number> {
  const known = await measureNames();
  const unknown = args.names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Error(`There is no measure ${unknown.join(", ")}. There are: ${known.join(", ")}`);
  }
  const names = args.names.length > 0 ? args.names : known;
  const measures = await Promise.all(names.map(loadMeasure));
  if (args.list) {
    for (const { name, question } of measures) show(`${name}: ${question}`);
    return 0;
  }
  await using throwAway = await makeThrowAway();
  const made = await makeReady(measures, throwAway.path, signal);
  const startedAt = new Date().toISOString();
  const loadBefore = Deno.loadavg();
  if ((loadBefore[0] ?? 0) > navigator.hardwareConcurrency / 2) {
    tell(`This machine is busy (load ${loadBefore[0]}): believe no time, and ratios only roughly`);
  }
  const measured: Measured[] = [];
  for (const measure of measures) {
    if (signal.aborted) break;
    measured.push(await runMeasure(measure, { args, made, signal }));
  }
  // What was cut short has no results.
  if (signal.aborted) return 1;
  const run = {
    circumstances: {
      startedAt,
      endedAt: new Date().toISOString(),
      commit: await commitOf(repository),
      machine: await machineFacts(),
      versions: await versions(
        made.docker === undefined ? undefined : [`${made.docker}/usr/bin/docker`, "--version"],
      ),
      loadBefore,
      loadAfter: Deno.loadavg(),
      repeat: args.repeat,
      idleMinutes: args.idleMinutes,
    },
    measured,
  };
  await Deno.mkdir(results, { recursive: true });
  const file = `${results}/${resultsName(args)}`;
  await Deno.writeTextFile(`${file}.md`, markdown(run));
  await Deno.writeTextFile(`${file}.json`, json(run));
  for (const line of targetTable(judge(run))) show(line);
  tell(`Written: ${file}.md and .json`);
  return measured.some(({ failed }) => failed !== undefined) ? 1 : 0;
}

async function measureNames(): Promise<string[]> {
  const files: string[] = [];
  for await (const { name } of Deno.readDir(new URL("measures", import.meta.url))) files.push(name);
  return files.map((file) => file.replace(/\.ts$/, "")).sort();
}

/** What all measures have in common. */
interface MadeReady {
  /** Folder with what was built; undefined when nothing needs it. */
  readonly programs: string | undefined;
  /** Debian's docker.io, unpacked; undefined when nothing needs it, or it cannot be had. */
  readonly docker: string | undefined;
  readonly whyNoDocker: string;
  readonly whyNoSandbox: string | undefined;
}

async function makeReady(
  measures: readonly Measure[],
  folder: string,
  signal: AbortSignal,
): Promise<MadeReady> {
  const uses = (what: "programs" | "docker") => measures.some((one) => one.uses?.includes(what));
  let programs: string | undefined;
  if (uses("programs")) {
    tell("Building mcp and mcp-agent");
    programs = `${folder}/programs`;
    const args = ["run", "--quiet", "--allow-all", "deploy/build/main.ts", "--out", programs];
    const build = new Deno.Command(Deno.execPath(), { args, cwd: repository, signal });
    const { success, stderr } = await build.output();
    if (!success) throw new Error(`Cannot build: ${new TextDecoder().decode(stderr).trim()}`);
    await bundleBareCall(`${programs}/bare_call`);
  }
  let docker: string | undefined;
  let whyNoDocker = whyNoDockerd() ?? "";
  if (uses("docker")) {
    // It starts nothing when it is installed.
    await ensurePackages(tell, { "podman-compose": "podman-compose" }).catch(sayWhy);
    if (whyNoDocker === "") {
      docker = await unpackDocker(tell).catch((error) => {
        whyNoDocker = sayWhy(error);
        return undefined;
      });
    }
  }
  return { programs, docker, whyNoDocker, whyNoSandbox: await whyNoSandbox() };
}

/** As what is built is bundled, so that it is no slower for another reason. */
async function bundleBareCall(folder: string): Promise<void> {
  const entry = "tests/bench/peers/bare_call.ts";
  const facts = { commit: "bench", kind: "bench" };
  const { files } = await bundle({ repository, entry, facts });
  await Deno.mkdir(folder);
  for (const { path, content } of files) await Deno.writeFile(`${folder}/${path}`, content);
}

function sayWhy(error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  tell(why);
  return why;
}

/** What a measure is run with. */
interface Manner {
  readonly args: BenchArguments;
  readonly made: MadeReady;
  readonly signal: AbortSignal;
}

async function runMeasure(measure: Measure, manner: Manner): Promise<Measured> {
  const from = performance.now();
  const seconds = () => (performance.now() - from) / 1000;
  tell(`=== ${measure.name}: ${measure.question}`);
  const late = AbortSignal.timeout(measure.withinMinutes * 60_000);
  let answer: Answer;
  if (measure.needs === "sandbox" && manner.made.whyNoSandbox !== undefined) {
    answer = { skipped: manner.made.whyNoSandbox };
  } else {
    const signal = AbortSignal.any([manner.signal, late]);
    answer = await answerOf(measure, { ...manner, signal }).catch((error) => ({
      failed: late.aborted ? `it took more than ${measure.withinMinutes} min` : sayWhy(error),
    }));
  }
  const measured: Measured = { measure, seconds: seconds(), rows: [], ...answer };
  if (measured.skipped !== undefined) tell(`SKIPPED ${measure.name}: ${measured.skipped}`);
  if (measured.failed !== undefined) tell(`FAILED ${measure.name}: ${measured.failed}`);
  for (const { label, skipped } of measured.rows) {
    if (skipped !== undefined) tell(`SKIPPED ${measure.name}, ${label}: ${skipped}`);
  }
  tell(`--- ${measure.name} in ${seconds().toFixed(0)} s`);
  return measured;
}

/** Runs it in a process, and reads what that has written. */
async function answerOf(measure: Measure, { args, made, signal }: Manner): Promise<Answer> {
  await using undo = new AsyncDisposableStack();
  const sandbox = measure.needs === "sandbox" ? undo.use(await openSandbox({ tell })) : undefined;
  const here = sandbox === undefined ? undo.use(await makeThrowAway()).path : "";
  const shared = sandbox?.outbox ?? { inside: here, outside: here };
  const needsPrograms = measure.uses?.includes("programs") === true;
  if (needsPrograms) await copyPrograms(made.programs ?? "", `${shared.outside}/programs`);
  const hasBeside = needsPrograms && args.beside !== undefined;
  if (hasBeside) await copyPrograms(`${args.beside}/dist`, `${shared.outside}/beside`);
  let docker: Bench["docker"] = { skipped: made.whyNoDocker };
  if (measure.uses?.includes("docker") && made.docker !== undefined) {
    const folder = undo.use(await makeThrowAway()).path;
    docker = undo.use(await startDockerd(made.docker, folder, shared)).peer;
  }
  const request: Request = {
    name: measure.name,
    repeat: args.repeat,
    idleMinutes: args.idleMinutes,
    programs: needsPrograms ? `${shared.inside}/programs` : "",
    beside: hasBeside ? `${shared.inside}/beside` : undefined,
    docker,
    answerFile: `${shared.inside}/answer.json`,
  };
  await Deno.writeTextFile(`${shared.outside}/request.json`, JSON.stringify(request));
  const flags = ["--quiet", "--cached-only", "--no-check", "--allow-all"];
  const v8 = measure.v8Flags === undefined ? [] : [`--v8-flags=${measure.v8Flags.join(",")}`];
  const script = ["tests/bench/run_one.ts", `${shared.inside}/request.json`];
  const argv = ["run", ...flags, ...v8, ...script];
  const code = sandbox === undefined
    ? (await new Deno.Command(Deno.execPath(), { args: argv, cwd: repository, signal }).spawn()
      .status).code
    : await sandbox.run({ argv: ["deno", ...argv], signal });
  if (code !== 0) throw new Error(`its process ended with exit code ${code}`);
  return JSON.parse(await Deno.readTextFile(`${shared.outside}/answer.json`));
}

async function copyPrograms(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyPrograms(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** The result. */
function show(line: string): void {
  // deno-lint-ignore no-console -- an entry: this is its output
  console.log(line);
}

/** How it goes. */
function tell(line: string): void {
  // deno-lint-ignore no-console -- an entry: what is said to people goes to stderr
  console.error(line);
}
