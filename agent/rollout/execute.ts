/**
 * Does what a plan says, and tells what became of the component.
 *
 * @module
 */

import { errorChain, McpError } from "../../lib/errors.ts";
import { log } from "../../lib/log.ts";
import type { Clock } from "../../lib/system/clock.ts";
import type { ContainerDetail, ContainerRuntime } from "../runtime/runtime.ts";
import { type ComponentPlan, formatStep, type Step } from "./steps.ts";

/** What doing needs. */
export interface ExecuteOptions {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  /** Makes mounted folders of a service that do not exist yet. */
  readonly makeFolders: (service: string, paths: readonly string[]) => Promise<void>;
  readonly settleMs: number;
  readonly stopTimeoutMs: number;
  /** Trips when the agent must end now; the rollout is then left for recovery. */
  readonly signal: AbortSignal;
}

/** What became of one component. */
export interface ComponentOutcome {
  readonly component: string;
  readonly container: string;
  readonly success: boolean;
  readonly summary: string;
  /** What was attempted and what happened; empty on success. */
  readonly error: string;
  /** The last lines of a container that was given up, oldest first. */
  readonly logTail: readonly string[];
}

const logTailLines = 50;
/** Waits between looks at a container that must prove itself; the last repeats. */
const proveIntervalsMs = [100, 150, 250, 500];

/**
 * Runs a plan to its end: the change, or the way back from it.
 *
 * @param onProved Called between the change and the tidying, when the new state
 *   is to be remembered: killed after it, the rollout is done; killed before it,
 *   recovery puts the previous container back. Refused by the registry, the way back is taken.
 * @throws whatever aborted it; a failure of the runtime is an outcome, not an error.
 */
export async function execute(
  plan: ComponentPlan,
  options: ExecuteOptions,
  onProved: () => void | Promise<void>,
): Promise<ComponentOutcome> {
  const failed = (error: string, logTail: readonly string[] = []): ComponentOutcome => ({
    component: plan.component,
    container: plan.container,
    success: false,
    summary: "",
    error,
    logTail,
  });

  try {
    for (const step of plan.prepare) await perform(step, options);
  } catch (error) {
    requireRuntimeFailure(error, options);
    return failed(`${errorChain(error)}; nothing was changed`);
  }

  try {
    for (const step of plan.change) await perform(step, options);
    // What cannot be remembered has not happened: a full disk is a reason to go back as well.
    await onProved();
  } catch (error) {
    requireRuntimeFailure(error, options);
    const logTail = await readLogTail(plan, options);
    const fallBack = await performFallBack(plan, options);
    return failed(`${errorChain(error)}${fallBack}`, logTail);
  }

  for (const step of plan.tidy) {
    try {
      await perform(step, options);
    } catch (error) {
      requireRuntimeFailure(error, options);
      // The new container serves and is remembered: what is left over is removed by the next deploy.
      log.rollout.warn("Cannot {step}: {reason}", {
        step: formatStep(step),
        reason: errorChain(error),
      });
    }
  }
  return {
    component: plan.component,
    container: plan.container,
    success: true,
    summary: plan.summary,
    error: "",
    logTail: [],
  };
}

async function perform(step: Step, options: ExecuteOptions): Promise<void> {
  const { runtime, signal } = options;
  signal.throwIfAborted();
  log.rollout.debug("{step}", { step: formatStep(step) });
  switch (step.action) {
    case "pull":
      return await runtime.pull(step.image, signal);
    case "make_folders":
      return await options.makeFolders(step.service, step.paths);
    case "rename":
      return await runtime.rename(step.from, step.to, signal);
    case "run":
      return await runtime.run(step.container, signal);
    case "start":
      return await runtime.start(step.container, signal);
    case "stop":
      return await runtime.stop(step.container, options.stopTimeoutMs, signal);
    case "restart":
      return await runtime.restart(step.container, options.stopTimeoutMs, signal);
    case "remove":
      await runtime.remove(step.container, signal);
      return;
    case "prove":
      return await prove(step.container, options);
  }
}

/**
 * Watches a container for the settle window.
 *
 * It is believed when it ran at every look and was never restarted: one lucky
 * look at a container that crashes and restarts proves nothing.
 */
async function prove(container: string, options: ExecuteOptions): Promise<void> {
  const { clock, settleMs, signal } = options;
  const first = await requireRunning(container, undefined, options);
  // By what was slept, and not by what time it is: a clock may be set while a container is watched.
  let leftMs = settleMs;
  for (let look = 0; leftMs > 0; look++) {
    const longestMs = proveIntervalsMs[Math.min(look, proveIntervalsMs.length - 1)] ?? leftMs;
    const intervalMs = Math.min(longestMs, leftMs);
    await clock.sleep(intervalMs, signal);
    leftMs -= intervalMs;
    await requireRunning(container, first, options);
  }
}

/** @param first The first look; undefined when this is it. */
async function requireRunning(
  container: string,
  first: ContainerDetail | undefined,
  { runtime, signal }: ExecuteOptions,
): Promise<ContainerDetail> {
  const detail = await runtime.inspect(container, signal);
  const crashed = (how: string) =>
    new McpError("unavailable", `Container "${container}" did not stay up: ${how}`);
  if (detail === undefined) throw crashed("it is gone");
  // The runtime counts from the start that is watched here.
  if (detail.restartCount > 0 || detail.status === "restarting") {
    // Of a container that runs again, a look does not tell how it ended before.
    const exitCode = await lastExitCode(container, { runtime, signal });
    const how = exitCode === undefined ? "" : ` with exit code ${exitCode}`;
    throw crashed(`it crashed${how} and was restarted`);
  }
  if (detail.status !== "running") throw crashed(`it ended with ${formatExit(detail)}`);
  if (first !== undefined && detail.startedAt?.getTime() !== first.startedAt?.getTime()) {
    throw crashed("it was restarted");
  }
  return detail;
}

async function lastExitCode(
  container: string,
  { runtime, signal }: Pick<ExecuteOptions, "runtime" | "signal">,
): Promise<number | undefined> {
  try {
    return await runtime.lastExitCode(container, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof McpError)) throw error;
    // That it crashed is known, and reason enough.
    return undefined;
  }
}

function formatExit(detail: ContainerDetail): string {
  const ran = detail.startedAt === undefined ? " before it started" : "";
  const why = detail.oomKilled ? " (killed for want of memory)" : "";
  return `exit code ${detail.exitCode}${why}${ran}`;
}

/** The log of the container that was given up, before it is removed. */
async function readLogTail(plan: ComponentPlan, options: ExecuteOptions): Promise<string[]> {
  const began = plan.change.some((step) => step.action === "prove");
  if (!began) return [];
  try {
    return await options.runtime.logTail(plan.container, logTailLines, options.signal);
  } catch {
    // There may be no container to read from; the failure that led here is what is told.
    return [];
  }
}

/** Restores what was there before; how that went, as the end of the error's sentence. */
async function performFallBack(plan: ComponentPlan, options: ExecuteOptions): Promise<string> {
  const restores = plan.fallBack.some((step) => step.action === "rename");
  let failure: unknown;
  for (const step of plan.fallBack) {
    try {
      await perform(step, options);
    } catch (error) {
      requireRuntimeFailure(error, options);
      // Go on: the steps left may still bring the old container back. The first failure is what is
      // told: the next ones may only follow from it.
      failure ??= error;
    }
  }
  if (!restores && failure === undefined) return "";
  return failure === undefined
    ? "; the previous container is back"
    : `; and going back failed as well: ${errorChain(failure)}`;
}

/** Lets an abort or a defect through; failures of the runtime are told as outcomes. */
function requireRuntimeFailure(error: unknown, options: ExecuteOptions): void {
  if (options.signal.aborted || !(error instanceof McpError)) throw error;
}
