/**
 * Decides what it takes to deploy, start, stop, restart or remove one component.
 *
 * Pure: no plan touches podman or the registry, and equal arguments make equal plans.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import type { Verdict } from "../../../lib/domain/verdict.ts";
import { imageVersion, isLocalImage } from "../../../lib/domain/image.ts";
import { parseVolume } from "../../../lib/domain/mappings.ts";
import { labels, nextName, previousName } from "../../watch/reconcile/ownership.ts";
import type { NewContainer } from "../../runtime/runtime.ts";
import type { ComponentPlan, Pull, Step } from "./steps.ts";

/** The component a plan is for, and where it stands. */
export interface PlanSubject {
  readonly node: string;
  readonly service: string;
  readonly component: string;
  /** Its container's name. */
  readonly container: string;
  /** podman's word for its container's state; undefined = there is no container. */
  readonly status: string | undefined;
  /** Whether a container set aside by an earlier rollout is still there. */
  readonly hasPrevious: boolean;
  /** Whether one is there that was to prove itself beside it in an earlier rollout. */
  readonly hasNext?: boolean;
  /** The folder that holds one folder per service. */
  readonly serviceRoot: string;
  /** What its container was made from; undefined = not known. */
  readonly current?: ComponentSpec | undefined;
}

/** What is to be put into service. */
export interface Target {
  readonly spec: ComponentSpec;
  readonly revision: number;
  /** What it is made from where that is not what `spec.image` means now. */
  readonly image?: string | undefined;
  /** What the runtime calls each of its secrets. */
  readonly secretNames?: Readonly<Record<string, string>> | undefined;
}

/** Whether the new container is started beside the old one, or takes its place. */
export type Order = "start-first" | "stop-first";

/**
 * Fetches the image, where that is to be done; before anything else, so that an image registry that
 * is down leaves the old container serving.
 *
 * @param isOnNode Whether the node has an image of that name.
 */
export function planImage(
  { image, pull }: Pick<ComponentSpec, "image" | "pull">,
  isOnNode: boolean,
): Pull[] {
  const isWanted = pull === "always" || (pull === "missing" && !isOnNode);
  return isLocalImage(image) || !isWanted ? [] : [{ action: "pull", image }];
}

/**
 * Puts a spec into service whose image is there.
 *
 * The old container is renamed and stopped, not removed, until the new one has
 * proved itself. The rename comes before the stop: a container by the component's
 * own name is then always one that was meant to serve, and after a crash anywhere
 * in between the previous one is put back.
 *
 * The rename still belongs to the preparation. The old container serves under
 * any name, and the way back begins by removing what has the component's name:
 * it must not be gone while that is the old container.
 *
 * Where nothing of the old container is in the new one's way, the new one may
 * prove itself beside it, and the two change names when it has.
 */
export function planDeploy(
  subject: PlanSubject,
  target: Target,
  version: { readonly from: string; readonly to: string },
  order: Order = "stop-first",
): ComponentPlan {
  const { container, status, hasPrevious } = subject;
  const previous = previousName(container);
  const isBeside = order === "start-first" && status === "running";
  const prepare: readonly Step[] = [
    ...planFolders(subject, target.spec),
    ...planNoNext(subject),
    ...(status !== undefined && hasPrevious
      ? [{ action: "remove", container: previous } as const]
      : []),
  ];
  return {
    component: subject.component,
    container,
    ...(isBeside ? { prepare, ...planBeside(subject, target) } : {
      prepare: status === undefined
        ? prepare
        : [...prepare, { action: "rename", from: container, to: previous }],
      ...planSwap(subject, target, "never"),
    }),
    summary: !canGoBack(subject)
      ? `created${named(version.to)}`
      : version.from === version.to
      ? `replaced${named(version.to)}`
      : `replaced ${version.from || "the old one"} by ${version.to || "the new one"}`,
    verdict: "running",
  };
}

/** Starts what is there; makes the container again from its deployed spec when it is gone. */
export function planStart(subject: PlanSubject, target: Target): ComponentPlan {
  if (subject.status === undefined) return planRecreate(subject, target);
  const { container, status } = subject;
  if (status === "running") return justChange(subject, [], "already running", "running");
  return justChange(
    subject,
    [
      { action: "start", container },
      { action: "prove", container, spec: target.spec },
    ],
    "started",
    "running",
  );
}

/**
 * Puts a component back into service that went down with its node.
 *
 * A container that is there is only started: the monitor tells what becomes of it, and a node that
 * boots does not wait the settle window out for each of its components.
 */
export function planStartAfterBoot(subject: PlanSubject, target: Target): ComponentPlan {
  if (subject.status === undefined) return planRecreate(subject, target);
  const { container } = subject;
  return justChange(subject, [{ action: "start", container }], "started", "running");
}

/** Starts a container that served before its rollout was cut off on the way back to it. */
export function planStartAgain(component: string, container: string): ComponentPlan {
  const change: Step[] = [{ action: "start", container }];
  return justChange({ component, container }, change, "started again", "running");
}

/** Makes a container again from its deployed spec that is there and cannot be started. */
export function planRemake(subject: PlanSubject, target: Target): ComponentPlan {
  const { container } = subject;
  const prepare: readonly Step[] = [
    ...planFolders(subject, target.spec),
    { action: "rename", from: container, to: previousName(container) },
  ];
  return { ...planRecreate(subject, target), prepare };
}

/** Restarts what is there; makes the container again from its deployed spec when it is gone. */
export function planRestart(subject: PlanSubject, target: Target): ComponentPlan {
  if (subject.status === undefined) return planRecreate(subject, target);
  const { container } = subject;
  return justChange(
    subject,
    [
      { action: "restart", container, graceMs: target.spec.stopTimeoutMs },
      { action: "prove", container, spec: target.spec },
    ],
    "restarted",
    "running",
  );
}

/** Stops what runs; a container that is gone or has ended is as good as stopped. */
export function planStop(subject: PlanSubject): ComponentPlan {
  const { container, status } = subject;
  const ended = status === undefined || ["exited", "stopped", "created", "dead"].includes(status);
  if (ended) return justChange(subject, [], "already stopped", "stopped");
  return justChange(subject, [planStopOf(subject, container)], "stopped", "stopped");
}

/** Takes a component out of service whose definition no longer lists it. */
export function planRemove(subject: PlanSubject): ComponentPlan {
  const { container, status } = subject;
  const change: Step[] = status === undefined
    ? []
    : [planStopOf(subject, container), { action: "remove", container }];
  return justChange(subject, change, "removed: the definition no longer lists it", "removed");
}

/**
 * Undoes a rollout that the agent did not live to finish.
 *
 * @param options.proved Whether the container in place is known to have proved itself.
 *   Then only the tidying was missing; otherwise the previous one comes back.
 * @param options.previousStatus podman's word for the previous container's state. One that podman is
 *   still stopping, as that rollout told it to, would be stopped all the same if it were started
 *   before that is over; one that runs beside the one that proved itself is to end in order.
 */
export function planRecovery(
  subject: PlanSubject,
  options: {
    readonly proved: boolean;
    readonly wanted: boolean;
    readonly previousStatus?: string | undefined;
  },
): ComponentPlan {
  const { container, hasPrevious } = subject;
  const previous = previousName(container);
  if (!hasPrevious) {
    const summary = "removed a container that had not proved itself";
    return justChange(subject, planNoNext(subject), summary, "kept");
  }
  const { proved, previousStatus } = options;
  const mustStop = previousStatus === "stopping" || (proved && previousStatus === "running");
  const stop: readonly Step[] = mustStop ? [planStopOf(subject, previous)] : [];
  if (proved) {
    const change: Step[] = [...stop, { action: "remove", container: previous }];
    return justChange(subject, change, "finished tidying up", "kept");
  }
  return justChange(
    subject,
    [
      ...planNoNext(subject),
      ...(subject.status === undefined ? [] : [{ action: "remove", container } as const]),
      ...stop,
      { action: "rename", from: previous, to: container },
      ...(options.wanted ? [{ action: "start", container } as const] : []),
    ],
    "put the previous container back",
    "kept",
  );
}

/** A plan without a way back, and without anything before or after the change. */
function justChange(
  { component, container }: Pick<PlanSubject, "component" | "container">,
  change: readonly Step[],
  summary: string,
  verdict: Verdict,
): ComponentPlan {
  return { component, container, prepare: [], change, fallBack: [], tidy: [], summary, verdict };
}

function planRecreate(subject: PlanSubject, target: Target): ComponentPlan {
  const { container } = subject;
  return {
    component: subject.component,
    container,
    prepare: planFolders(subject, target.spec),
    ...planSwap(subject, target, "missing"),
    summary: `created again${named(imageVersion(target.spec.image))}`,
    verdict: "running",
  };
}

/** The new container in the place of the previous one, where there is one, and the way back. */
function planSwap(
  subject: PlanSubject,
  target: Target,
  pull: NewContainer["pull"],
): Pick<ComponentPlan, "change" | "fallBack" | "tidy"> {
  const { container, status } = subject;
  const previous = previousName(container);
  const replaces = canGoBack(subject);
  // One that an earlier rollout could not put back is brought back to serve.
  // A job is not run again by that.
  const served = status === "running" ||
    (status === undefined && (subject.current ?? target.spec).kind === "service");
  return {
    change: [
      ...(replaces ? [planStopOf(subject, previous)] : []),
      { action: "run", container: newContainer(subject, target, pull) },
      { action: "prove", container, spec: target.spec },
    ],
    fallBack: [
      { action: "remove", container },
      ...(replaces ? [{ action: "rename", from: previous, to: container } as const] : []),
      ...(replaces && served ? [{ action: "start", container } as const] : []),
    ],
    tidy: replaces ? [{ action: "remove", container: previous }] : [],
  };
}

/** The new container beside the one that serves; the two change names when it has proved itself. */
function planBeside(
  subject: PlanSubject,
  target: Target,
): Pick<ComponentPlan, "change" | "fallBack" | "tidy"> {
  const { container } = subject;
  const previous = previousName(container);
  const next = nextName(container);
  return {
    change: [
      { action: "run", container: { ...newContainer(subject, target, "never"), name: next } },
      { action: "prove", container: next, spec: target.spec },
      { action: "rename", from: container, to: previous },
      { action: "rename", from: next, to: container },
    ],
    fallBack: [{ action: "remove", container: next }, { action: "put_back", previous, container }],
    tidy: [planStopOf(subject, previous), { action: "remove", container: previous }],
  };
}

/** Removes what an earlier rollout left beside: it never proved itself. */
function planNoNext({ container, hasNext }: PlanSubject): Step[] {
  return hasNext === true ? [{ action: "remove", container: nextName(container) }] : [];
}

/** Stops a container of the component with the grace that its own spec gives it. */
function planStopOf(subject: PlanSubject, container: string): Step {
  const graceMs = subject.current?.stopTimeoutMs;
  return graceMs === undefined
    ? { action: "stop", container }
    : { action: "stop", container, graceMs };
}

/** Whether there is a container to go back to: in place, or left aside by an earlier rollout. */
function canGoBack({ status, hasPrevious }: PlanSubject): boolean {
  return status !== undefined || hasPrevious;
}

/** The mounted folders that belong to the service; others must exist already. */
function planFolders(subject: PlanSubject, spec: ComponentSpec): Step[] {
  const own = `${subject.serviceRoot}/${subject.service}`;
  const paths = spec.volumes
    .map((text) => parseVolume(text)?.source ?? "")
    .filter((source) => source === own || source.startsWith(`${own}/`));
  return paths.length === 0
    ? []
    : [{ action: "make_folders", service: subject.service, paths: [...new Set(paths)] }];
}

function newContainer(
  subject: PlanSubject,
  target: Target,
  pull: NewContainer["pull"],
): NewContainer {
  return {
    name: subject.container,
    spec: target.spec,
    labels: {
      [labels.service]: subject.service,
      [labels.component]: subject.component,
      [labels.node]: subject.node,
      [labels.revision]: String(target.revision),
    },
    pull,
    ...(target.image === undefined ? {} : { image: target.image }),
    ...(target.secretNames === undefined ? {} : { secrets: target.secretNames }),
  };
}

function named(version: string): string {
  return version === "" ? "" : ` ${version}`;
}
