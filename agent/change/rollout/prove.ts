/**
 * Watches a container that was just started until it is known what to think of it.
 *
 * A service without a health check is believed when it stayed up for the settle window without a
 * single restart: one lucky look at a container that crashes and restarts proves nothing. With one,
 * it is believed at its first good answer, and must not have been restarted before that. A job is
 * believed when it has ended with exit code 0.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { formatDuration } from "../../../lib/domain/duration.ts";
import { formatExit } from "../../../lib/domain/exit_status.ts";
import type { HealthCheck } from "../../../lib/domain/health_check.ts";
import type { Verdict } from "../../../lib/domain/verdict.ts";
import { McpError } from "../../../lib/errors.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import type { Answer } from "../../watch/probes/answer.ts";
import type { ProbeOnce } from "../../watch/probes/probe.ts";
import type { ContainerDetail, ContainerRuntime } from "../../runtime/runtime.ts";

interface ProveOptions {
  readonly runtime: Pick<ContainerRuntime, "lastExitCode">;
  /** One look at a container. */
  readonly look: (container: string) => Promise<ContainerDetail | undefined>;
  readonly probe: ProbeOnce;
  readonly clock: Clock;
  readonly settleMs: number;
  /** How long a job may run. */
  readonly jobTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** What came of watching. */
export interface Proof {
  readonly verdict: Verdict;
  /** Why it is not believed; empty when it is. */
  readonly problem: string;
  /** The last look; undefined when there was nothing to see. */
  readonly detail: ContainerDetail | undefined;
  /** Of one that crashed. */
  readonly exitCode: number | undefined;
  /** What the last probe was answered; empty without a health check. */
  readonly lastProbe: string;
}

/** For how long a container is watched at most that is put back. */
const backMs = 1_000;
/** Waits between looks at a container that must stay up; the last repeats. */
const settleIntervalsMs = [100, 150, 250, 500];
/** Waits between probes of a container that is to become healthy; the last repeats. */
const probeIntervalsMs = [100, 200, 500];
/**
 * The same for a port, while nothing is held against it: to ask takes a millisecond, and most servers
 * listen a moment after they were started.
 */
const eagerIntervalsMs = [25, 50, 100, 200, 500];
/** Waits between looks at a job; the last repeats. */
const jobIntervalsMs = [100, 150, 250, 500, 1_000];
/** An answer that does not change is told again after this long. */
const sameAnswerMs = 5_000;

/**
 * Watches.
 *
 * @param named What the container is called where people read.
 * @param onProbe Told of what probes were answered.
 */
export async function prove(
  container: string,
  named: string,
  spec: ComponentSpec,
  options: ProveOptions,
  onProbe: (text: string) => void,
): Promise<Proof> {
  const watch = new Watch(container, named, options);
  if (spec.kind === "job") return await proveJob(watch, spec, options);
  if (spec.healthcheck === undefined) return await proveSettled(watch, options);
  return await proveHealthy(watch, spec, spec.healthcheck, options, onProbe);
}

/**
 * Watches a container that served before and was started again: what it was then is no promise.
 *
 * @returns How it crashed; empty when it runs, or when it cannot be looked at: it was started.
 */
export async function proveBack(
  container: string,
  named: string,
  options: ProveOptions,
): Promise<string> {
  const settleMs = Math.min(options.settleMs, backMs);
  const watch = new Watch(container, named, options);
  try {
    return (await proveSettled(watch, { ...options, settleMs })).problem;
  } catch (error) {
    if (options.signal.aborted || !(error instanceof McpError)) throw error;
    return "";
  }
}

async function proveSettled(watch: Watch, { settleMs }: ProveOptions): Promise<Proof> {
  for (let look = 0;; look++) {
    const crash = await watch.requireUp();
    if (crash !== undefined) return crash;
    const leftMs = settleMs - watch.elapsedMs;
    if (leftMs <= 0) return watch.proof("running");
    await watch.sleep(Math.min(at(settleIntervalsMs, look), leftMs));
  }
}

async function proveHealthy(
  watch: Watch,
  spec: ComponentSpec,
  check: HealthCheck,
  { probe, signal }: ProveOptions,
  onProbe: (text: string) => void,
): Promise<Proof> {
  const patienceMs = check.startPeriodMs + check.retries * check.intervalMs;
  let last: Answer | undefined;
  let toldAtMs = 0;
  /** Bad answers in a row since the start period was over. */
  let refusals = 0;
  for (let attempt = 1;; attempt++) {
    const before = await watch.requireUp(last?.text);
    if (before !== undefined) return before;
    const answer = await watch.timed(() => probe(watch.container, spec, check, signal));
    const { elapsedMs } = watch;
    if (answer.text !== last?.text || elapsedMs - toldAtMs >= sameAnswerMs) {
      onProbe(`probe ${attempt}: ${answer.text}`);
      toldAtMs = elapsedMs;
    }
    last = answer;
    // Looked at after the answer: what answered must be what was started.
    const crash = await watch.requireUp(answer.text);
    if (crash !== undefined) return crash;
    if (answer.isGood) return watch.proof("healthy", { lastProbe: answer.text });
    const isPatient = elapsedMs < check.startPeriodMs;
    refusals = answer.isAnswered && !isPatient ? refusals + 1 : 0;
    const leftMs = patienceMs - elapsedMs;
    // One that answers, and badly, runs and is sick; of one that does not, nothing is known.
    if (refusals >= check.retries || (leftMs <= 0 && answer.isAnswered)) {
      const problem = `Container "${watch.named}" is not healthy: ${answer.text}`;
      return watch.proof("unhealthy", { problem, lastProbe: answer.text });
    }
    if (leftMs <= 0) {
      const within = formatDuration(patienceMs);
      const problem =
        `Container "${watch.named}" did not become healthy within ${within}: ${answer.text}`;
      return watch.proof("timed_out", { problem, lastProbe: answer.text });
    }
    const isEager = isPatient && check.probe.kind !== "exec";
    const intervalsMs = isEager ? eagerIntervalsMs : probeIntervalsMs;
    await watch.sleep(Math.min(at(intervalsMs, attempt - 1), leftMs));
  }
}

async function proveJob(
  watch: Watch,
  spec: ComponentSpec,
  { jobTimeoutMs }: ProveOptions,
): Promise<Proof> {
  let failedBefore: ContainerDetail | undefined;
  for (let look = 0;; look++) {
    const detail = await watch.look();
    if (detail === undefined) return watch.failed("it is gone");
    const hasEnded = ["exited", "stopped", "dead"].includes(detail.status);
    if (hasEnded && detail.exitCode === 0 && !detail.oomKilled) return watch.proof("completed");
    if (hasEnded) {
      const isSame = failedBefore?.restartCount === detail.restartCount;
      // podman takes a moment to run it again where its restart policy says so.
      if (isSame || !mayRunAgain(spec, detail)) {
        return watch.failed(`it ended with ${formatExit(detail.exitCode, detail.oomKilled)}`);
      }
    }
    failedBefore = hasEnded ? detail : undefined;
    const leftMs = jobTimeoutMs - watch.elapsedMs;
    if (leftMs <= 0) {
      const problem = `Job "${watch.named}" did not end within ${formatDuration(jobTimeoutMs)}`;
      return watch.proof("timed_out", { problem });
    }
    const waitMs = hasEnded ? 500 : at(jobIntervalsMs, look);
    await watch.sleep(Math.min(waitMs, leftMs));
  }
}

function mayRunAgain({ restart }: ComponentSpec, { restartCount }: ContainerDetail): boolean {
  const [policy, limit] = restart.split(":");
  return policy === "on-failure" && (limit === undefined || restartCount < Number(limit));
}

/** Longer than anything takes that is waited for here. */
const longestCallMs = 120_000;

/** One container that is watched from its start on. */
class Watch {
  readonly container: string;
  readonly named: string;
  readonly #options: ProveOptions;
  #elapsedMs = 0;
  #first: ContainerDetail | undefined;
  #last: ContainerDetail | undefined;

  constructor(container: string, named: string, options: ProveOptions) {
    this.container = container;
    this.named = named;
    this.#options = options;
  }

  /** For how long it has been watched. */
  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  async sleep(durationMs: number): Promise<void> {
    const { clock, signal } = this.#options;
    await this.timed(() => clock.sleep(durationMs, signal), durationMs);
  }

  async look(): Promise<ContainerDetail | undefined> {
    this.#last = await this.timed(() => this.#options.look(this.container));
    return this.#last;
  }

  /**
   * Counts what something takes. When the clock was set meanwhile, that is as long as it takes at
   * least: a container must not be believed, or given up, because of what time it is.
   */
  async timed<T>(work: () => Promise<T>, leastMs = 0): Promise<T> {
    const { clock } = this.#options;
    const beganMs = clock.now().getTime();
    const result = await work();
    const tookMs = clock.now().getTime() - beganMs;
    this.#elapsedMs += tookMs < leastMs || tookMs > leastMs + longestCallMs ? leastMs : tookMs;
    return result;
  }

  /** Looks; how it crashed when it does not run as it was started, undefined when it does. */
  async requireUp(lastProbe = ""): Promise<Proof | undefined> {
    const detail = await this.look();
    this.#first ??= detail;
    const crashed = (how: string, exitCode?: number) =>
      this.proof("crashed", {
        problem: `Container "${this.named}" did not stay up: ${how}`,
        exitCode,
        lastProbe,
      });
    if (detail === undefined) return crashed("it is gone");
    // The runtime counts from the start that is watched here.
    if (detail.restartCount > 0 || detail.status === "restarting") {
      // Of a container that runs again, a look does not tell how it ended before.
      const exitCode = await this.#lastExitCode();
      const how = exitCode === undefined ? "" : ` with ${formatExit(exitCode, detail.oomKilled)}`;
      return crashed(`it crashed${how} and was restarted`, exitCode);
    }
    if (detail.status !== "running") {
      const ran = detail.startedAt === undefined ? " before it started" : "";
      const how = formatExit(detail.exitCode, detail.oomKilled);
      return crashed(`it ended with ${how}${ran}`, detail.exitCode);
    }
    if (detail.startedAt?.getTime() !== this.#first?.startedAt?.getTime()) {
      return crashed("it was restarted");
    }
    return undefined;
  }

  /** What is told of a job that did not do what it was to do. */
  failed(how: string): Proof {
    const problem = `Job "${this.named}" failed: ${how}`;
    return this.proof("crashed", { problem, exitCode: this.#last?.exitCode });
  }

  proof(
    verdict: Verdict,
    { problem = "", exitCode, lastProbe = "" }: {
      readonly problem?: string;
      readonly exitCode?: number | undefined;
      readonly lastProbe?: string;
    } = {},
  ): Proof {
    return { verdict, problem, detail: this.#last, exitCode, lastProbe };
  }

  async #lastExitCode(): Promise<number | undefined> {
    const { runtime, signal } = this.#options;
    try {
      return await runtime.lastExitCode(this.container, signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof McpError)) throw error;
      // That it crashed is known, and reason enough.
      return undefined;
    }
  }
}

/** The wait at a place of a list whose last repeats. */
function at(waitsMs: readonly number[], place: number): number {
  return waitsMs[Math.min(place, waitsMs.length - 1)] ?? 0;
}
