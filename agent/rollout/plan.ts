/**
 * Decides what it takes to deploy, start, stop, restart or remove one component.
 *
 * Pure: no plan touches podman or the registry, and equal arguments make equal plans.
 *
 * @module
 */

import { type ComponentSpec, parseVolume } from "../../lib/domain/component_spec.ts";
import { imageVersion, isLocalImage } from "../../lib/domain/image.ts";
import { asideName, labels } from "../reconcile/ownership.ts";
import type { NewContainer } from "../runtime/runtime.ts";
import type { ComponentPlan, Step } from "./steps.ts";

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
  readonly hasAside: boolean;
  /** The folder that holds one folder per service. */
  readonly serviceRoot: string;
}

/** What is to be put into service. */
export interface Target {
  readonly spec: ComponentSpec;
  readonly revision: number;
}

/**
 * Puts a spec into service.
 *
 * The image is pulled first, so that a registry that is down leaves the old
 * container serving. The old container is renamed and stopped, not removed,
 * until the new one has proved itself. The rename comes before the stop: a
 * container by the component's own name is then always one that was meant to
 * serve, and after a crash anywhere in between the aside one is put back.
 *
 * The rename still belongs to the preparation. The old container serves under
 * any name, and the way back begins by removing what has the component's name:
 * it must not be gone while that is the old container.
 */
export function planDeploy(
  subject: PlanSubject,
  target: Target,
  version: { readonly from: string; readonly to: string },
): ComponentPlan {
  const { container, status, hasAside } = subject;
  const { spec } = target;
  const aside = asideName(container);
  return {
    component: subject.component,
    container,
    prepare: [
      ...(isLocalImage(spec.image) ? [] : [{ action: "pull", image: spec.image } as const]),
      ...planFolders(subject, spec),
      ...(status !== undefined && hasAside
        ? [{ action: "remove", container: aside } as const]
        : []),
      ...(status !== undefined ? [{ action: "rename", from: container, to: aside } as const] : []),
    ],
    ...planSwap(subject, target, "never"),
    summary: !hasPrevious(subject)
      ? `created${named(version.to)}`
      : version.from === version.to
      ? `replaced${named(version.to)}`
      : `replaced ${version.from || "the old one"} by ${version.to || "the new one"}`,
  };
}

/** Starts what is there; makes the container again from its deployed spec when it is gone. */
export function planStart(subject: PlanSubject, target: Target): ComponentPlan {
  if (subject.status === undefined) return planRecreate(subject, target);
  const { container } = subject;
  const runs = subject.status === "running";
  return {
    component: subject.component,
    container,
    prepare: [],
    change: runs ? [] : [{ action: "start", container }, { action: "prove", container }],
    fallBack: [],
    tidy: [],
    summary: runs ? "already running" : "started",
  };
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
  return {
    component: subject.component,
    container,
    prepare: [],
    change: [{ action: "start", container }],
    fallBack: [],
    tidy: [],
    summary: "started",
  };
}

/** Starts a container that served before its rollout was cut off on the way back to it. */
export function planStartAgain(component: string, container: string): ComponentPlan {
  return {
    component,
    container,
    prepare: [],
    change: [{ action: "start", container }],
    fallBack: [],
    tidy: [],
    summary: "started again",
  };
}

/** Makes a container again from its deployed spec that is there and cannot be started. */
export function planRemake(subject: PlanSubject, target: Target): ComponentPlan {
  const { container } = subject;
  const prepare: readonly Step[] = [
    ...planFolders(subject, target.spec),
    { action: "rename", from: container, to: asideName(container) },
  ];
  return { ...planRecreate(subject, target), prepare };
}

/** Restarts what is there; makes the container again from its deployed spec when it is gone. */
export function planRestart(subject: PlanSubject, target: Target): ComponentPlan {
  if (subject.status === undefined) return planRecreate(subject, target);
  const { container } = subject;
  return {
    component: subject.component,
    container,
    prepare: [],
    change: [{ action: "restart", container }, { action: "prove", container }],
    fallBack: [],
    tidy: [],
    summary: "restarted",
  };
}

/** Stops what runs; a container that is gone or has ended is as good as stopped. */
export function planStop(subject: PlanSubject): ComponentPlan {
  const { container, status } = subject;
  const ended = status === undefined || ["exited", "stopped", "created", "dead"].includes(status);
  return {
    component: subject.component,
    container,
    prepare: [],
    change: ended ? [] : [{ action: "stop", container }],
    fallBack: [],
    tidy: [],
    summary: ended ? "already stopped" : "stopped",
  };
}

/** Takes a component out of service whose definition no longer lists it. */
export function planRemove(subject: PlanSubject): ComponentPlan {
  const { container, status } = subject;
  return {
    component: subject.component,
    container,
    prepare: [],
    change: status === undefined
      ? []
      : [{ action: "stop", container }, { action: "remove", container }],
    fallBack: [],
    tidy: [],
    summary: "removed: the definition no longer lists it",
  };
}

/**
 * Undoes a rollout that the agent did not live to finish.
 *
 * @param options.proved Whether the container in place is known to have proved itself.
 *   Then only the tidying was missing; otherwise the previous one comes back.
 * @param options.stopping Whether podman is still stopping the previous container, as that
 *   rollout told it to: started before that is over, it would be stopped all the same.
 */
export function planRecovery(
  subject: PlanSubject,
  options: { readonly proved: boolean; readonly wanted: boolean; readonly stopping?: boolean },
): ComponentPlan {
  const { container } = subject;
  const aside = asideName(container);
  return {
    component: subject.component,
    container,
    prepare: [],
    change: options.proved ? [{ action: "remove", container: aside }] : [
      ...(subject.status === undefined ? [] : [{ action: "remove", container } as const]),
      ...(options.stopping === true ? [{ action: "stop", container: aside } as const] : []),
      { action: "rename", from: aside, to: container },
      ...(options.wanted ? [{ action: "start", container } as const] : []),
    ],
    fallBack: [],
    tidy: [],
    summary: options.proved ? "finished tidying up" : "put the previous container back",
  };
}

function planRecreate(subject: PlanSubject, target: Target): ComponentPlan {
  const { container } = subject;
  return {
    component: subject.component,
    container,
    prepare: planFolders(subject, target.spec),
    ...planSwap(subject, target, "missing"),
    summary: `created again${named(imageVersion(target.spec.image))}`,
  };
}

/** The new container in the place of the one set aside, where there is one, and the way back. */
function planSwap(
  subject: PlanSubject,
  target: Target,
  pull: NewContainer["pull"],
): Pick<ComponentPlan, "change" | "fallBack" | "tidy"> {
  const { container, status } = subject;
  const aside = asideName(container);
  const replaces = hasPrevious(subject);
  // One that an earlier rollout could not put back is brought back to serve.
  const served = status === "running" || status === undefined;
  return {
    change: [
      ...(replaces ? [{ action: "stop", container: aside } as const] : []),
      { action: "run", container: newContainer(subject, target, pull) },
      { action: "prove", container },
    ],
    fallBack: [
      { action: "remove", container },
      ...(replaces ? [{ action: "rename", from: aside, to: container } as const] : []),
      ...(replaces && served ? [{ action: "start", container } as const] : []),
    ],
    tidy: replaces ? [{ action: "remove", container: aside }] : [],
  };
}

/** Whether there is a container to go back to: in place, or left aside by an earlier rollout. */
function hasPrevious({ status, hasAside }: PlanSubject): boolean {
  return status !== undefined || hasAside;
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
  };
}

function named(version: string): string {
  return version === "" ? "" : ` ${version}`;
}
