/**
 * The vocabulary of change: what a plan is made of.
 *
 * @module
 */

import type { NewContainer } from "../runtime/runtime.ts";

/** One thing to do to the runtime. */
export type Step =
  | { readonly action: "pull"; readonly image: string }
  /** Make the folders of the service that are mounted and do not exist yet. */
  | { readonly action: "make_folders"; readonly service: string; readonly paths: readonly string[] }
  | { readonly action: "rename"; readonly from: string; readonly to: string }
  | { readonly action: "run"; readonly container: NewContainer }
  | { readonly action: "start"; readonly container: string }
  | { readonly action: "stop"; readonly container: string }
  | { readonly action: "restart"; readonly container: string }
  | { readonly action: "remove"; readonly container: string }
  /** Watch a container that was just started: it must stay up, without a single restart. */
  | { readonly action: "prove"; readonly container: string };

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
}

/** A step as one line, for logs and for the golden plans. */
export function formatStep(step: Step): string {
  switch (step.action) {
    case "pull":
      return `pull ${step.image}`;
    case "make_folders":
      return `make folders ${step.paths.join(" ")}`;
    case "rename":
      return `rename ${step.from} to ${step.to}`;
    case "run":
      return `run ${step.container.name} from ${step.container.spec.image}`;
    default:
      return `${step.action} ${step.container}`;
  }
}
