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
 */
export function planDeploy(
  subject: PlanSubject,
  target: Target,
  version: { readonly from: string; readonly to: string },
): ComponentPlan {
  const { container } = subject;
  const { spec } = target;
  const aside = asideName(container);
  const replaces = subject.status !== undefined;
  return {
    component: subject.component,
    container,
    prepare: [
      ...(isLocalImage(spec.image) ? [] : [{ action: "pull", image: spec.image } as const]),
      ...planFolders(subject, spec),
    ],
    change: [
      ...(subject.hasAside ? [{ action: "remove", container: aside } as const] : []),
      ...(replaces
        ? [
          { action: "rename", from: container, to: aside },
          { action: "stop", container: aside },
        ] as const
        : []),
      { action: "run", container: newContainer(subject, target, "never") },
      { action: "prove", container },
    ],
    fallBack: planFallBack(subject),
    tidy: replaces ? [{ action: "remove", container: aside }] : [],
    summary: !replaces
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
 * @param proved Whether the container in place is known to have proved itself.
 *   Then only the tidying was missing; otherwise the previous one comes back.
 */
export function planRecovery(
  subject: PlanSubject,
  options: { readonly proved: boolean; readonly wanted: boolean },
): ComponentPlan {
  const { container } = subject;
  const aside = asideName(container);
  return {
    component: subject.component,
    container,
    prepare: [],
    change: options.proved ? [{ action: "remove", container: aside }] : [
      ...(subject.status === undefined ? [] : [{ action: "remove", container } as const]),
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
    change: [
      { action: "run", container: newContainer(subject, target, "missing") },
      { action: "prove", container },
    ],
    fallBack: planFallBack(subject),
    tidy: [],
    summary: `created again${named(imageVersion(target.spec.image))}`,
  };
}

/** Removes what did not prove itself and puts the previous container back as it was. */
function planFallBack(subject: PlanSubject): Step[] {
  const { container, status } = subject;
  const aside = asideName(container);
  return [
    { action: "remove", container },
    ...(status === undefined ? [] : [{ action: "rename", from: aside, to: container } as const]),
    ...(status === "running" ? [{ action: "start", container } as const] : []),
  ];
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
