/**
 * `deploy` of a service, as far as Compose itself heeds it.
 *
 * @module
 */

import { readOrdinary } from "./ordinary.ts";
import { isNull, type Place } from "./place.ts";
import type { Field } from "./project.ts";

/** `deploy` */
export function readDeploy(field: Field): void {
  const { project: { reader }, draft, place } = field;
  for (const [key, inner] of reader.entries(place)) {
    if (isNull(inner.value)) continue;
    if (key === "replicas") readScale({ ...field, place: inner });
    else if (key === "resources") readResources(field, inner);
    else if (key === "restart_policy") readRestartPolicy(field, inner);
    else if (!key.startsWith("x-")) {
      draft.leftOut(inner.origin, `${JSON.stringify(key)}: it is about a swarm`);
    }
  }
}

/** `scale` and `deploy.replicas` */
export function readScale({ project: { reader }, draft, place }: Field): void {
  const count = reader.number(place);
  if (count === undefined || count === 1) return;
  draft.leftOut(
    place.origin,
    count === 0 ? "that none of it runs" : `that ${count} of it run: a component is one container`,
    count === 0
      ? "Take the component out"
      : "Write a component for each, with ports and data of its own",
  );
}

/** `restart` */
export function readRestart({ project: { reader }, draft, place }: Field): void {
  const { value } = place;
  // Without quotes, older YAML reads `no` as false.
  const text = value.kind === "scalar" && value.value === false ? "no" : reader.text(place);
  if (text !== undefined && text !== "") draft.put("restart", text, place.origin);
}

function readRestartPolicy(field: Field, place: Place): void {
  const { project: { reader }, draft, whole } = field;
  // What stands beside `deploy` is what Compose heeds.
  if (reader.said(whole, "restart") !== undefined) {
    return draft.leftOut(place.origin, "`restart` says it already");
  }
  const entry = (key: string) => reader.entry(place, key);
  const condition = entry("condition");
  const word = condition === undefined ? "any" : reader.text(condition);
  const attempts = entry("max_attempts");
  const most = attempts && reader.number(attempts);
  if (word === "none") draft.put("restart", "no", place.origin);
  else if (word === "on-failure") {
    draft.put("restart", most === undefined ? word : `${word}:${most}`, place.origin);
  } else if (word === "any") {
    draft.put("restart", "always", place.origin);
    if (attempts !== undefined) draft.leftOut(attempts.origin, "how often it is brought back");
  } else if (condition !== undefined) {
    draft.mistake(condition.origin, 'expected "none", "on-failure" or "any"');
  }
  for (const key of ["delay", "window"]) {
    const inner = entry(key);
    if (inner !== undefined) draft.leftOut(inner.origin, "podman brings back at once");
  }
}

function readResources(field: Field, place: Place): void {
  const { project: { reader }, draft } = field;
  for (const [key, inner] of reader.entries(place)) {
    if (key !== "limits") {
      const devices = reader.entry(inner, "devices");
      draft.leftOut(
        inner.origin,
        devices === undefined
          ? "nothing is set aside for a component on its node"
          : "devices by what they can do",
        devices === undefined ? "" : 'Name them in `devices`, e.g. "/dev/dri/renderD128"',
      );
      continue;
    }
    for (const [limit, value] of reader.entries(inner)) {
      const about = { ...field, place: value };
      if (limit === "memory") readOrdinary("memory", about);
      else if (limit === "cpus") readOrdinary("cpus", about);
      else if (limit === "pids") readPids(about);
      else draft.leftOut(value.origin, `a limit of ${JSON.stringify(limit)}`);
    }
  }
}

/** `pids_limit` */
export function readPids({ project: { reader }, draft, place }: Field): void {
  const pids = reader.number(place);
  if (pids === undefined) return;
  if (pids > 0) draft.put("pids", pids, place.origin);
  else if (pids < 0) draft.leftOut(place.origin, "no limit at all: podman's own holds");
}
