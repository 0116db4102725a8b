/**
 * Decides what a deploy would do to each component, and what that would cost.
 *
 * Pure: it is given what is declared, what is deployed and what was just seen.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { componentDefaults, type ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { parsePort, parseVolume, type PortMapping } from "../../../lib/domain/mappings.ts";
import { privilegesOf } from "../../../lib/domain/privileges.ts";
import { differencesBetween, type FieldDifference } from "../../../lib/domain/spec_difference.ts";
import { labels } from "../../watch/reconcile/ownership.ts";
import type { SecretVersions } from "../../registry/secrets.ts";
import { describeChoice, describeVersion, type SecretChoice } from "../secrets/choose.ts";
import type { Order } from "./plan.ts";

/** An image by both of its names; a digest that is not known is empty. */
export interface ImageIdentity {
  readonly id: string;
  readonly digest: string;
}

/** One component as it is asked for and as it stands. */
export interface Candidate {
  readonly spec: ComponentSpec;
  /** What it would be made from; undefined = the node does not have it. */
  readonly image: ImageIdentity | undefined;
  /** Which version of each of its secrets it would be made with. */
  readonly secrets?: ReadonlyMap<string, SecretChoice> | undefined;
  /** What its container was really made from; undefined = never deployed. */
  readonly deployed:
    | {
      readonly revision: number;
      readonly origin: string;
      readonly spec: ComponentSpec;
      readonly image: ImageIdentity;
      readonly secrets?: SecretVersions;
    }
    | undefined;
  readonly container:
    | {
      readonly id: string;
      readonly status: string;
      readonly exitCode: number | undefined;
      readonly imageId: string;
      readonly labels: Readonly<Record<string, string>>;
    }
    | undefined;
  /** What of its container is not as it was deployed: `before` is as deployed. */
  readonly drift?: readonly FieldDifference[] | undefined;
  /** What the last probe was answered, of one that is known to be unhealthy. */
  readonly sickness: string | undefined;
  readonly lastDowntimeMs: number | undefined;
}

/** What a deploy would do to one component. */
export interface Decision {
  readonly component: string;
  readonly action: "create" | "replace" | "keep" | "remove";
  /**
   * Deployed against declared, and what its container has against what it was deployed with; empty
   * for "keep".
   */
  readonly differences: readonly FieldDifference[];
  /** Undefined where nothing is started. */
  readonly order: Order | undefined;
  /** Why it does not serve for a while; empty = it does all the time. */
  readonly downtimeReason: string;
  readonly lastDowntimeMs: number | undefined;
  /** "sha256:…"; empty = not known. */
  readonly imageDigest: string;
  /** What else is worth knowing. */
  readonly notes: readonly string[];
}

/** How a deploy is to go about it. */
interface Manner {
  /** Whether what is as it is asked for already is made anew all the same. */
  readonly recreate: boolean;
  /** The folder that holds one folder per service. */
  readonly serviceRoot: string;
}

/** Decides about one component that is asked for. */
export function decide(candidate: Candidate, manner: Manner): Decision {
  const { spec, image, deployed, container } = candidate;
  const imageDigest = image?.digest ?? "";
  const differences = differencesOf(candidate);
  const reasons = reasonsToReplace(candidate, manner);
  const base = { component: spec.name, imageDigest, lastDowntimeMs: undefined };
  if (container === undefined) {
    return {
      ...base,
      action: "create",
      differences,
      order: "start-first",
      downtimeReason: "",
      notes: notesOn(candidate, manner, deployed === undefined ? [] : ["its container is gone"]),
    };
  }
  if (deployed !== undefined && differences.length === 0 && reasons.length === 0) {
    return {
      ...base,
      action: "keep",
      differences: [],
      order: undefined,
      downtimeReason: "",
      notes: [],
    };
  }
  const isServing = container.status === "running";
  const obstacle = isServing
    ? obstacleOfDrift(candidate) ?? obstacleTo(deployed?.spec, spec)
    : undefined;
  return {
    ...base,
    action: "replace",
    differences,
    order: isServing && obstacle === undefined ? "start-first" : "stop-first",
    downtimeReason: obstacle ?? "",
    lastDowntimeMs: obstacle === undefined ? undefined : candidate.lastDowntimeMs,
    notes: notesOn(candidate, manner, reasons),
  };
}

/** What becomes of a component that the definition does not list any more. */
export function decideRemoval(component: string, status: string | undefined): Decision {
  return {
    component,
    action: "remove",
    differences: [],
    order: undefined,
    downtimeReason: status === "running" ? "it is removed" : "",
    lastDowntimeMs: undefined,
    imageDigest: "",
    notes: ["the definition no longer lists it"],
  };
}

function differencesOf(candidate: Candidate): FieldDifference[] {
  const { spec, image, deployed } = candidate;
  const nothing: ComponentSpec = { ...componentDefaults, name: spec.name, image: "" };
  const differences = [
    ...differencesBetween(deployed?.spec ?? nothing, spec),
    ...secretDifferences(candidate),
  ];
  const drifted = driftDifferences(candidate, differences);
  if (deployed === undefined || image === undefined || !hasOther(deployed, image)) {
    return [...differences, ...drifted];
  }
  const named = ({ id, digest }: ImageIdentity) => digest === "" ? id : digest;
  const moved = {
    field: "image digest",
    before: named(deployed.image),
    after: named(image),
  };
  return [...differences, ...drifted, moved];
}

/**
 * What the container has that it was not deployed with, and what it gets back. Of a field that is
 * asked for anew, that is told instead.
 */
function driftDifferences(
  { drift = [] }: Candidate,
  asked: readonly FieldDifference[],
): FieldDifference[] {
  const anew = new Set(asked.map(({ field }) => field));
  return drift.filter(({ field }) => !anew.has(field))
    .map(({ field, before, after }) => ({ field, before: after, after: before }));
}

/** Secrets that are mounted as before, and have another value. Neither value is told. */
function secretDifferences({ secrets, deployed }: Candidate): FieldDifference[] {
  const mounted = new Set(deployed?.spec.secrets.map(({ name }) => name));
  return [...secrets ?? []].filter(([name]) => mounted.has(name)).map(([name, choice]) => ({
    field: `secrets.${name}`,
    before: describeVersion(deployed?.secrets?.[name]),
    after: describeChoice(choice),
  })).filter(({ before, after }) => before !== after);
}

/** Why a component is made anew whose definition says nothing new. */
function reasonsToReplace(
  { image, deployed, container, drift = [], sickness }: Candidate,
  { recreate }: Manner,
): string[] {
  if (container === undefined) return [];
  if (deployed === undefined) return ["what its container was made from is not known"];
  const reasons: string[] = [];
  if (recreate) reasons.push("it is to be made anew in any case");
  const label = container.labels[labels.revision];
  if (deployed.origin === "adopt") reasons.push("its container was made by hand, and adopted");
  else if (label !== String(deployed.revision)) {
    reasons.push(`its container is not the one of revision ${deployed.revision}`);
  } else if (image !== undefined && container.imageId !== image.id && !hasOther(deployed, image)) {
    reasons.push("its container was made from another image");
  } else if (drift.length > 0) {
    const fields = [...new Set(drift.map(({ field }) => field))].join(", ");
    reasons.push(`its container is not as it was deployed: ${fields}`);
  }
  const hasEnded = ["exited", "stopped"].includes(container.status);
  const isDone = deployed.spec.kind === "job" && hasEnded && container.exitCode === 0;
  if (container.status !== "running" && !isDone) {
    const code = hasEnded && container.exitCode !== undefined
      ? ` with exit code ${container.exitCode}`
      : "";
    reasons.push(`its container is ${container.status}${code}`);
  }
  if (sickness !== undefined) reasons.push(`it is unhealthy: ${sickness}`);
  return reasons;
}

/** Whether a reference means another image than the one that was deployed. */
function hasOther(deployed: { readonly image: ImageIdentity }, image: ImageIdentity): boolean {
  return deployed.image.id !== "" && deployed.image.id !== image.id;
}

function notesOn(
  { spec, image, deployed }: Candidate,
  { serviceRoot }: Manner,
  reasons: readonly string[],
): string[] {
  const hasMoved = deployed !== undefined && image !== undefined &&
    deployed.spec.image === spec.image && hasOther(deployed, image);
  return [
    ...(hasMoved ? [`the tag has moved since revision ${deployed.revision}`] : []),
    ...reasons,
    ...(image === undefined && spec.pull === "never" ? ["its image is not on the node"] : []),
    ...spec.dependsOn.map((name) => `depends on ${name}`),
    ...privilegesOf(spec, serviceRoot).map(({ privilege, what }) =>
      `${what}, which ${privilege} allows`
    ),
  ];
}

/** What {@link obstacleTo} goes by, as a definition calls it, and what no definition can say. */
const sharedFields = ["ports", "volumes", "network", "devices", "host_namespaces", "unexpressed"];

/** Why the old container may be in the way of a new one, though what it was made from is not. */
function obstacleOfDrift({ drift = [] }: Candidate): string | undefined {
  const field = drift.map((difference) => difference.field)
    .find((name) => sharedFields.includes(name.split(/[.[]/)[0] ?? ""));
  return field && `the old container uses something else than it was deployed with: ${field}`;
}

/**
 * Why the new container cannot prove itself beside the old one; undefined when it can.
 *
 * @param before What the old one was made from; undefined = not known.
 */
export function obstacleTo(
  before: ComponentSpec | undefined,
  after: ComponentSpec,
): string | undefined {
  if (before === undefined) return "what the old container uses is not known";
  if (before.kind === "job" || after.kind === "job") return "a job does not run twice at a time";
  const port = sharedPort(before, after);
  if (port !== undefined) return `port ${port} is bound by the old container`;
  const volume = sharedVolume(before, after);
  if (volume !== undefined) return `both would write to ${volume}`;
  if (before.network === "host" || after.network === "host") {
    return "it is on the node's own network, whose ports one of them would take";
  }
  if (hasNames(after.network)) {
    return `on the network "${after.network}" it is found by its name, which one container can have`;
  }
  const device = after.devices.find((text) =>
    before.devices.some((other) => other.split(":")[0] === text.split(":")[0])
  );
  if (device !== undefined) return `both would use ${device.split(":")[0]}`;
  return undefined;
}

/** Whether containers find each other by their names on a network; podman's own modes have none. */
function hasNames(network: string): boolean {
  return !["", "none", "bridge", "private", "pasta", "slirp4netns"].includes(network);
}

function sharedPort(before: ComponentSpec, after: ComponentSpec): string | undefined {
  const taken = before.ports.flatMap((text) => parsePort(text) ?? []);
  const wanted = after.ports.flatMap((text) => parsePort(text) ?? []);
  const shared = wanted.find((port) => taken.some((other) => collide(port, other)));
  return shared && `${shared.ip === "" ? "" : `${shared.ip}:`}${shared.hostPort}`;
}

/** Whether two mappings want one port of the node; who listens on all addresses wants it on each. */
function collide(one: PortMapping, other: PortMapping): boolean {
  const isWide = (ip: string) => ["", "0.0.0.0", "[::]"].includes(ip);
  return one.hostPort === other.hostPort && one.protocol === other.protocol &&
    (one.ip === other.ip || isWide(one.ip) || isWide(other.ip));
}

function sharedVolume(before: ComponentSpec, after: ComponentSpec): string | undefined {
  const written = (spec: ComponentSpec) =>
    spec.volumes.flatMap((text) => {
      const volume = parseVolume(text);
      return volume === undefined || volume.options.includes("ro") ? [] : [volume.source];
    });
  const isIn = (inner: string, outer: string) => inner === outer || inner.startsWith(`${outer}/`);
  return written(after).find((source) =>
    written(before).some((other) => isIn(source, other) || isIn(other, source))
  );
}

/** Everything that a plan stands on, by what it is about: what must be the same for it to hold. */
export type Fingerprint = Readonly<Record<string, string>>;

/** What a plan for these components stands on. */
export function fingerprintOf(
  plan: {
    readonly service: string;
    readonly candidates: readonly Candidate[];
    readonly removals: readonly { readonly component: string; readonly containerId: string }[];
    readonly recreate: boolean;
    readonly rollBackTo: number | undefined;
  },
): Fingerprint {
  const parts: Record<string, string> = {
    service: plan.service,
    manner: JSON.stringify([plan.recreate, plan.rollBackTo ?? 0]),
    components: plan.candidates.map(({ spec }) => spec.name).join(" "),
    removals: plan.removals.map(({ component, containerId }) => `${component}=${containerId}`)
      .join(" "),
  };
  for (const candidate of plan.candidates) {
    const { spec, image, deployed, container, drift = [], sickness, secrets } = candidate;
    const code = container?.exitCode;
    parts[`${spec.name} definition`] = JSON.stringify(spec);
    parts[`${spec.name} image`] = image?.id ?? "";
    if (secrets !== undefined) parts[`${spec.name} secrets`] = JSON.stringify([...secrets]);
    parts[`${spec.name} revision`] = String(deployed?.revision ?? 0);
    parts[`${spec.name} container`] = container?.id ?? "";
    parts[`${spec.name} state`] = container === undefined
      ? "gone"
      : `${container.status}${code === undefined ? "" : ` with exit code ${code}`}`;
    if (drift.length > 0) parts[`${spec.name} drift`] = JSON.stringify(drift);
    parts[`${spec.name} health`] = sickness === undefined
      ? "not known to be unhealthy"
      : "unhealthy";
  }
  return parts;
}

/** Stands for a plan: equal fingerprints have equal ids. */
export function planIdOf(fingerprint: Fingerprint): string {
  return createHash("sha256").update(JSON.stringify(fingerprint)).digest("hex").slice(0, 16);
}

/** What is not as it was when a plan was made, in words; at least one. */
export function whatMoved(before: Fingerprint | undefined, now: Fingerprint): string[] {
  if (before === undefined) return ["what it was made for is not known any more"];
  const moved = [...new Set([...Object.keys(before), ...Object.keys(now)])]
    .filter((key) => before[key] !== now[key])
    .map((key): string => {
      const [component = "", part = ""] = key.split(" ");
      switch (part) {
        case "definition":
          return `the definition of ${component} is another`;
        case "image":
          return `the image of ${component} means another digest`;
        case "secrets":
          return `a secret of ${component} is another`;
        case "revision":
          return `${component} was deployed meanwhile, as revision ${now[key] ?? "none"}`;
        case "container":
          return `${component} has another container`;
        case "drift":
          return `the container of ${component} differs otherwise from what was deployed`;
        case "health":
          return `${component} is ${now[key] ?? "gone"}`;
        case "state":
          return `the container of ${component} was ${before[key] ?? "gone"} and is ${
            now[key] ?? "gone"
          }`;
        default:
          return component === "manner"
            ? "something else is asked for"
            : "other components are concerned";
      }
    });
  return [...new Set(moved)];
}
