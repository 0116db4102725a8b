/**
 * The vocabulary of change: what a plan is made of.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import type { Verdict } from "../../../lib/domain/verdict.ts";
import type { NewContainer } from "../../runtime/runtime.ts";

/** Fetch an image; before there is a plan, which depends on what it is. */
export interface Pull {
  readonly action: "pull";
  readonly image: string;
}

/** One thing to do to the runtime. */
export type Step =
  /** Make the folders of the service that are mounted and do not exist yet. */
  | { readonly action: "make_folders"; readonly service: string; readonly paths: readonly string[] }
  | { readonly action: "rename"; readonly from: string; readonly to: string }
  | { readonly action: "run"; readonly container: NewContainer }
  | { readonly action: "start"; readonly container: string }
  | { readonly action: "stop"; readonly container: string; readonly graceMs?: number | undefined }
  | {
    readonly action: "restart";
    readonly container: string;
    readonly graceMs?: number | undefined;
  }
  | { readonly action: "remove"; readonly container: string }
  /**
   * Gives the container that was set aside its name again, if it was: whatever has the name by then
   * is the one that was to replace it.
   */
  | { readonly action: "put_back"; readonly previous: string; readonly container: string }
  /** Watch a container that was just started, until it has proved itself or failed to. */
  | { readonly action: "prove"; readonly container: string; readonly spec: ComponentSpec };

/**
 * What it takes to change one component, in four parts that fail differently.
 *
 * While `prepare` runs nothing that serves is disturbed. When a step of `change`
 * fails, `fallBack` restores what was there before. `tidy` follows a change that
 * has proved itself and is already remembered as done.
 */
export interface ComponentPlan {
  readonly component: string;
  readonly container: string;
  readonly prepare: readonly Step[];
  readonly change: readonly Step[];
  readonly fallBack: readonly Step[];
  readonly tidy: readonly Step[];
  /** What is done, in the past tense, for the operator. */
  readonly summary: string;
  /** What it ends in when nothing has to be proved. */
  readonly verdict: Verdict;
}

/** A step as one line, for logs and for the golden plans. */
export function formatStep(step: Step | Pull): string {
  switch (step.action) {
    case "pull":
      return `pull ${step.image}`;
    case "make_folders":
      return `make folders ${step.paths.join(" ")}`;
    case "rename":
      return `rename ${step.from} to ${step.to}`;
    case "run":
      return `run ${step.container.name} from ${step.container.spec.image}`;
    case "put_back":
      return `put back ${step.previous} as ${step.container}`;
    default:
      return `${step.action} ${step.container}`;
  }
}

/** A step as it is told to who watches, e.g. "pulling registry.example/web:v2". */
export function tellStep(step: Step | Pull): string {
  switch (step.action) {
    case "pull":
      return `pulling ${step.image}`;
    case "make_folders":
      return `making ${step.paths.join(", ")}`;
    case "rename":
      return `renaming ${step.from} to ${step.to}`;
    case "run":
      return `running ${step.container.name} from ${step.container.spec.image}`;
    case "start":
      return `starting ${step.container}`;
    case "stop":
      return `stopping ${step.container}`;
    case "restart":
      return `restarting ${step.container}`;
    case "remove":
      return `removing ${step.container}`;
    case "put_back":
      return `putting ${step.container} back`;
    case "prove":
      return step.spec.kind === "job"
        ? `waiting for ${step.container} to end`
        : step.spec.healthcheck === undefined
        ? `waiting for ${step.container} to stay up`
        : `waiting for ${step.container} to be healthy`;
  }
}
