/**
 * `depends_on`, `links` and who is a job.
 *
 * @module
 */

import type { Draft } from "../draft.ts";
import type { Origin } from "../findings.ts";
import type { Field } from "./project.ts";

/** `depends_on`, as a list or as a table with conditions. */
export function readDependencies(field: Field): void {
  const { project: { reader }, draft, place } = field;
  if (place.value.kind !== "map") {
    for (const { text, origin } of reader.texts(place)) dependOn(field, text, origin, true);
    return;
  }
  for (const [name, inner] of reader.entries(place)) {
    const entry = (key: string) => reader.entry(inner, key);
    const required = entry("required");
    dependOn(field, name, inner.origin, required === undefined || reader.flag(required) !== false);
    const restart = entry("restart");
    if (restart !== undefined && reader.flag(restart) === true) {
      draft.leftOut(restart.origin, `it is not restarted when ${name} is`);
    }
  }
}

/** Adds a component to wait for. */
export function dependOn(
  { project, draft }: Pick<Field, "project" | "draft">,
  name: string,
  origin: Origin,
  required: boolean,
): void {
  const component = project.components.get(name);
  if (component !== undefined) {
    if (component !== draft.spec.name && !draft.spec.dependsOn.includes(component)) {
      draft.push("dependsOn", component, origin);
    }
    return;
  }
  const why = project.absent.get(name);
  if (why !== undefined) draft.leftOut(origin, `it does not wait for ${name}: ${why}`);
  else if (!required) draft.leftOut(origin, `it does not wait for ${name}, which is not there`);
  else draft.mistake(origin, `there is no service ${JSON.stringify(name)}`);
}

/** Services that others wait for until they have ended. */
export function jobsAmong(services: readonly Field[]): ReadonlyMap<string, Origin> {
  const jobs = new Map<string, Origin>();
  for (const { project: { reader }, whole } of services) {
    const place = reader.entry(whole, "depends_on");
    if (place?.value.kind !== "map") continue;
    for (const [name, inner] of reader.entries(place)) {
      const condition = reader.entry(inner, "condition");
      const ends = condition && reader.text(condition) === "service_completed_successfully";
      if (condition !== undefined && ends) jobs.set(name, condition.origin);
    }
  }
  return jobs;
}

/** A job ends by itself: it is not brought back, and nobody asks whether it is well. */
export function becomeJob(draft: Draft, origin: Origin): void {
  draft.put("kind", "job", origin);
  draft.changed(origin, 'kind = "job": others wait until it has ended with exit code 0');
  if (!/^(no|on-failure)/.test(draft.spec.restart)) {
    draft.leftOut(draft.originOf(["restart"]), `restart = "${draft.spec.restart}" of a job`);
    draft.put("restart", "no", origin);
  }
  if (draft.spec.healthcheck !== undefined) {
    draft.leftOut(draft.originOf(["healthcheck"]), "the health check of a job");
    draft.put("healthcheck", undefined, origin);
  }
}
