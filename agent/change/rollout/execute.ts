/**
 * Does what a plan says, and tells what became of the component.
 *
 * @module
 */

import { isSuccess, type Verdict } from "../../../lib/domain/verdict.ts";
import { errorChain, McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import type { ProbeOnce } from "../../watch/probes/probe.ts";
import type { ContainerDetail, ContainerRuntime } from "../../runtime/runtime.ts";
import { type Proof, prove, proveBack } from "./prove.ts";
import { type ComponentPlan, formatStep, type Step, tellStep } from "./steps.ts";

export interface ExecuteOptions {
  readonly runtime: ContainerRuntime;
  /** One look at a container; those that are asked for together may be one. */
  readonly look: (container: string) => Promise<ContainerDetail | undefined>;
  readonly probe: ProbeOnce;
  readonly clock: Clock;
  /** Makes mounted folders of a service that do not exist yet. */
  readonly makeFolders: (service: string, paths: readonly string[]) => Promise<void>;
  readonly settleMs: number;
  /** How long a job may run that is being rolled out. */
  readonly jobTimeoutMs: number;
  /** How long a container may take to stop whose spec says nothing about it. */
  readonly stopTimeoutMs: number;
  /** Trips when the agent must end now; the rollout is then left for recovery. */
  readonly signal: AbortSignal;
  /**
   * Nothing else is moved meanwhile: then the new container is made while the old one ends. Where
   * several are moved, the extra program that this takes costs more than it saves.
   */
  readonly isAlone?: boolean;
}

/** What became of one component. */
export interface ComponentOutcome {
  readonly component: string;
  readonly container: string;
  /** Follows from the verdict. */
  readonly success: boolean;
  readonly verdict: Verdict;
  readonly summary: string;
  /** What was attempted and what happened; empty on success. */
  readonly error: string;
  /** The last lines of a container that was given up, oldest first. */
  readonly logTail: readonly string[];
  /** Of a container that crashed. */
  readonly exitCode: number | undefined;
  readonly oomKilled: boolean;
  /** How often the runtime had restarted it by itself. */
  readonly restartCount: number;
  /** What the last probe was answered; empty without a health check. */
  readonly lastProbe: string;
  /** The previous container was put back, and serves. */
  readonly putBack: boolean;
}

/** Something that happens on the way, for who watches. */
export interface ProgressEvent {
  readonly kind: "step" | "progress" | "probe";
  readonly text: string;
}

/** What is known when a component has proved itself. */
export interface Proved {
  /** The last look; undefined when nothing had to be proved. */
  readonly detail: ContainerDetail | undefined;
  readonly verdict: Verdict;
  readonly lastProbe: string;
  /** How long nothing served; undefined when nothing was stopped. */
  readonly downtimeMs: number | undefined;
}

const logTailLines = 50;

/** An outcome that is no more than its verdict. */
export function plainOutcome(
  component: string,
  container: string,
  verdict: Verdict,
  said: { readonly summary?: string; readonly error?: string },
): ComponentOutcome {
  return {
    component,
    container,
    success: isSuccess(verdict),
    verdict,
    summary: said.summary ?? "",
    error: said.error ?? "",
    logTail: [],
    exitCode: undefined,
    oomKilled: false,
    restartCount: 0,
    lastProbe: "",
    putBack: false,
  };
}

/**
 * Runs a plan to its end: the change, or the way back from it.
 *
 * @param onProved Called between the change and the tidying, when the new state
 *   is to be remembered: killed after it, the rollout is done; killed before it,
 *   recovery puts the previous container back. Refused by the registry, the way back is taken.
 * @param tell Told of each step as it is taken.
 * @throws whatever aborted it; a failure of the runtime is an outcome, not an error.
 */
export async function execute(
  plan: ComponentPlan,
  options: ExecuteOptions,
  onProved: (proved: Proved) => void | Promise<void>,
  tell: (event: ProgressEvent) => void = () => {},
): Promise<ComponentOutcome> {
  const { clock } = options;
  const outcome = (verdict: Verdict, said: { summary?: string; error?: string }) =>
    plainOutcome(plan.component, plan.container, verdict, said);

  try {
    for (const step of plan.prepare) await perform(step, plan, options, tell);
  } catch (error) {
    requireRuntimeFailure(error, options);
    return outcome(verdictOf(error), { error: `${errorChain(error)}; nothing was changed` });
  }

  let proof: Proof | undefined;
  let stoppedAtMs: number | undefined;
  let stopping: Promise<unknown> | undefined;
  let problem: { readonly verdict: Verdict; readonly text: string } | undefined;
  try {
    for (const [at, step] of plan.change.entries()) {
      if (step.action === "stop") stoppedAtMs = clock.now().getTime();
      const taking = perform(step, plan, options, tell, stopping);
      if (options.isAlone && step.action === "stop" && plan.change[at + 1]?.action === "run") {
        // The run waits for it before it starts anything, and tells of its failure.
        stopping = taking;
        stopping.catch(() => {});
        continue;
      }
      const result = await taking;
      if (result === undefined) continue;
      proof = result;
      if (isSuccess(result.verdict)) continue;
      problem = { verdict: result.verdict, text: result.problem };
      break;
    }
    if (problem === undefined) {
      // What cannot be remembered has not happened: a full disk is a reason to go back as well.
      await onProved({
        detail: proof?.detail,
        verdict: proof?.verdict ?? plan.verdict,
        lastProbe: proof?.lastProbe ?? "",
        downtimeMs: stoppedAtMs === undefined
          ? undefined
          : Math.max(0, clock.now().getTime() - stoppedAtMs),
      });
    }
  } catch (error) {
    await stopping?.catch(() => {});
    requireRuntimeFailure(error, options);
    problem = { verdict: verdictOf(error), text: errorChain(error) };
  }
  if (problem !== undefined) {
    const logTail = await readLogTail(plan, options);
    const fallBack = await performFallBack(plan, options, tell);
    return {
      ...outcome(problem.verdict, { error: `${problem.text}${fallBack.text}` }),
      logTail,
      exitCode: proof?.exitCode,
      oomKilled: proof?.detail?.oomKilled ?? false,
      restartCount: proof?.detail?.restartCount ?? 0,
      lastProbe: proof?.lastProbe ?? "",
      putBack: fallBack.isPutBack,
    };
  }

  const verdict = proof?.verdict ?? plan.verdict;
  const lastProbe = proof?.lastProbe ?? "";

  for (const step of plan.tidy) {
    try {
      await perform(step, plan, options, tell);
    } catch (error) {
      requireRuntimeFailure(error, options);
      // The new container serves and is remembered: what is left over is removed by the next deploy.
      log.rollout.warn("Cannot {step}: {reason}", {
        step: formatStep(step),
        reason: errorChain(error),
      });
    }
  }
  return { ...outcome(verdict, { summary: plan.summary }), lastProbe };
}

/**
 * Takes one step; what came of watching, when that was the step.
 *
 * @param stopping The stop before it, which a run waits for.
 */
async function perform(
  step: Step,
  plan: ComponentPlan,
  options: ExecuteOptions,
  tell: (event: ProgressEvent) => void,
  stopping?: Promise<unknown>,
): Promise<Proof | undefined> {
  const { runtime, signal, stopTimeoutMs } = options;
  signal.throwIfAborted();
  log.rollout.debug("{step}", { step: formatStep(step) });
  tell({ kind: "step", text: tellStep(step) });
  switch (step.action) {
    case "make_folders":
      await options.makeFolders(step.service, step.paths);
      return;
    case "rename":
      await runtime.rename(step.from, step.to, signal);
      return;
    case "run":
      await runtime.run(step.container, signal, stopping?.then(() => {}));
      return;
    case "start":
      await runtime.start(step.container, signal);
      return;
    case "stop":
      await runtime.stop(step.container, step.graceMs ?? stopTimeoutMs, signal);
      return;
    case "restart":
      await runtime.restart(step.container, step.graceMs ?? stopTimeoutMs, signal);
      return;
    case "remove":
      await runtime.remove(step.container, signal);
      return;
    case "put_back":
      if (await runtime.inspect(step.previous, signal) === undefined) return;
      await runtime.remove(step.container, signal);
      await runtime.rename(step.previous, step.container, signal);
      return;
    case "prove": {
      const onProbe = (text: string) => tell({ kind: "probe", text });
      return await prove(step.container, plan.container, step.spec, options, onProbe);
    }
  }
}

/** What a step that failed makes of a component that never came to be watched. */
function verdictOf(error: unknown): Verdict {
  return error instanceof McpError && error.isTimeout ? "timed_out" : "failed";
}

/** The log of the container that was given up, before it is removed. */
async function readLogTail(plan: ComponentPlan, options: ExecuteOptions): Promise<string[]> {
  const proving = plan.change.find((step) => step.action === "prove");
  if (proving === undefined) return [];
  try {
    return await options.runtime.logTail(proving.container, logTailLines, options.signal);
  } catch {
    // There may be no container to read from; the failure that led here is what is told.
    return [];
  }
}

/** Restores what was there before; how that went, as the end of the error's sentence. */
async function performFallBack(
  plan: ComponentPlan,
  options: ExecuteOptions,
  tell: (event: ProgressEvent) => void,
): Promise<{ readonly text: string; readonly isPutBack: boolean }> {
  const restores = plan.fallBack.some(({ action }) => action === "rename");
  const neverStopped = plan.fallBack.some(({ action }) => action === "put_back");
  let failure: unknown;
  let crash = "";
  for (const step of plan.fallBack) {
    try {
      await perform(step, plan, options, tell);
      if (step.action === "start") crash = await proveBack(step.container, plan.container, options);
    } catch (error) {
      requireRuntimeFailure(error, options);
      // Go on: the steps left may still bring the old container back. The first failure is what is
      // told: the next ones may only follow from it.
      failure ??= error;
    }
  }
  if (failure !== undefined) {
    const text = `; and going back failed as well: ${errorChain(failure)}`;
    return { text, isPutBack: false };
  }
  if (crash !== "") {
    return { text: `; and the previous one, which was put back: ${crash}`, isPutBack: false };
  }
  if (neverStopped) return { text: "; the previous container still serves", isPutBack: false };
  const isPutBack = restores && plan.fallBack.some(({ action }) => action === "start");
  return { text: restores ? "; the previous container is back" : "", isPutBack };
}

/** Lets an abort or a defect through; failures of the runtime are told as outcomes. */
function requireRuntimeFailure(error: unknown, options: ExecuteOptions): void {
  if (options.signal.aborted || !(error instanceof McpError)) throw error;
}
