/**
 * Every field that a service of a Compose file may have, and what becomes of it.
 *
 * @module
 */

import { nearest } from "../../../lib/domain/nearest.ts";
import { wholeImage } from "../image.ts";
import { pushDevice } from "../devices.ts";
import { pushTmpfs, shareMemory } from "../memory_folders.ts";
import { parsePublished, publish } from "../ports.ts";
import { signalName } from "../signal_name.ts";
import { readBuild } from "./build.ts";
import { readCommand } from "./commands.ts";
import { dependOn, readDependencies } from "./dependencies.ts";
import { readCpus, readDeploy, readMemory, readPids, readRestart, readScale } from "./deploy.ts";
import { readEnvFiles, readEnvironment } from "./environment.ts";
import { durationOf, readHealthCheck } from "./healthcheck.ts";
import { cannot } from "./left_out.ts";
import { readNetworkMode } from "./networks.ts";
import { isNull } from "./place.ts";
import type { Field } from "./project.ts";
import { readConfigs, readSecrets } from "./secrets.ts";
import { readVolumes } from "./volumes.ts";

type ReadField = (field: Field) => void;

/** In the order in which they are read: `environment` wins over `env_file`, `deploy` over nothing. */
const readers: Readonly<Record<string, ReadField>> = {
  image: readImage,
  build: readBuild,
  pull_policy: readPullPolicy,
  network_mode: readNetworkMode,
  user: readText("user"),
  restart: readRestart,
  ports: readPorts,
  volumes: readVolumes,
  configs: readConfigs,
  secrets: readSecrets,
  entrypoint: readCommand("entrypoint"),
  command: readCommand("cmd"),
  working_dir: readText("workdir"),
  hostname: readText("hostname"),
  depends_on: readDependencies,
  links: readLinks,
  env_file: readEnvFiles,
  environment: readEnvironment,
  labels: readLabels,
  healthcheck: readHealthCheck,
  mem_limit: readMemory,
  cpus: readCpus,
  pids_limit: readPids,
  deploy: readDeploy,
  scale: readScale,
  ulimits: readUlimits,
  cap_add: readCapabilities("capAdd"),
  cap_drop: readCapabilities("capDrop"),
  privileged: readFlag("privileged"),
  read_only: readFlag("readOnly"),
  tmpfs: readTmpfs,
  shm_size: readShmSize,
  devices: readDevices,
  pid: readNamespace("pid"),
  ipc: readNamespace("ipc"),
  uts: readNamespace("uts"),
  stop_signal: readStopSignal,
  stop_grace_period: readStopTimeout,
  container_name: readContainerName,
  expose: readExpose,
};

/** Read elsewhere, or without anything to tell. */
const silent = new Set(["networks", "profiles", "extends"]);

/** Reads all fields of one service. */
export function readFields(service: Omit<Field, "place">): void {
  const { project: { reader }, whole, draft } = service;
  const written = new Map(reader.entries(whole));
  for (const [key, read] of Object.entries(readers)) {
    const place = written.get(key);
    if (place !== undefined && !isNull(place.value)) read({ ...service, place });
  }
  for (const [key, { origin }] of written) {
    if (Object.hasOwn(readers, key) || silent.has(key) || key.startsWith("x-")) continue;
    const [what, todo] = Object.hasOwn(cannot, key) ? cannot[key] ?? ["", ""] : ["", ""];
    if (what !== "") {
      draft.leftOut(origin, what, todo);
      continue;
    }
    const close = nearest(key, [...Object.keys(readers), ...silent, ...Object.keys(cannot)]);
    draft.leftOut(
      origin,
      "Compose has no such field",
      close === undefined ? "" : `If ${close} is meant, write that and import again`,
    );
  }
}

function readImage({ project: { reader }, draft, whole, place }: Field): void {
  const text = reader.text(place);
  if (text === undefined) return;
  const build = reader.entry(whole, "build");
  const isBuilt = build !== undefined && !isNull(build.value);
  const image = wholeImage(text);
  if (isBuilt && image !== text) {
    // What is built here and has no image registry in its name is in none.
    return draft.put("image", `localhost/${text}`, place.origin);
  }
  draft.put("image", image, place.origin);
  if (image !== text) {
    draft.changed(place.origin, `${text} became ${image}, which podman wants whole`);
  }
}

function readPullPolicy({ project: { reader }, draft, place }: Field): void {
  const text = reader.text(place);
  if (text === "always" || text === "never") draft.put("pull", text, place.origin);
  else if (text === "missing" || text === "if_not_present") {
    draft.put("pull", "missing", place.origin);
  } else if (text !== undefined && text !== "build") {
    draft.changed(place.origin, `${JSON.stringify(text)} became "always": at each deploy`);
  }
}

function readText(field: "user" | "workdir" | "hostname"): ReadField {
  return ({ project: { reader }, draft, place }) => {
    const text = reader.text(place);
    if (text !== undefined) draft.put(field, text, place.origin);
  };
}

function readFlag(field: "privileged" | "readOnly"): ReadField {
  return ({ project: { reader }, draft, place }) => {
    if (reader.flag(place) === true) draft.put(field, true, place.origin);
  };
}

function readPorts({ project: { reader }, draft, place }: Field): void {
  for (const item of reader.items(place)) {
    if (item.value.kind !== "map") {
      const text = reader.text(item);
      const published = text === undefined ? undefined : parsePublished(text);
      if (published !== undefined) publish(draft, published, item.origin);
      else if (text !== undefined) {
        draft.mistake(item.origin, "expected [address:][port:]container port[/protocol]");
      }
      continue;
    }
    const text = (key: string) => {
      const found = reader.entry(item, key);
      return found === undefined || isNull(found.value) ? "" : reader.text(found) ?? "";
    };
    publish(draft, {
      ip: text("host_ip"),
      host: text("published"),
      container: text("target"),
      protocol: text("protocol"),
    }, item.origin);
    for (const [key, { origin }] of reader.entries(item)) {
      if (["target", "published", "host_ip", "protocol"].includes(key)) continue;
      if (key === "mode" && text(key) === "host") continue;
      draft.leftOut(
        origin,
        key === "mode" ? "there is one node, and no swarm" : `${key} of a port`,
      );
    }
  }
}

function readLinks({ project, draft, place }: Field): void {
  for (const { text, origin } of project.reader.texts(place)) {
    const [service = "", alias] = text.split(":");
    dependOn({ project, draft }, service, origin, true);
    if (alias !== undefined && alias !== service) {
      draft.leftOut(
        origin,
        `${service} under the name ${alias}`,
        `Write the name of its container where ${alias} is written`,
      );
    }
  }
}

function readLabels({ project: { reader }, draft, place }: Field): void {
  for (const { name, value, origin } of reader.pairs(place)) {
    draft.putIn("labels", name, value ?? "", origin);
  }
}

function readUlimits({ project: { reader }, draft, place }: Field): void {
  for (const [name, limit] of reader.entries(place)) {
    const number = (key: string) => {
      const found = reader.entry(limit, key);
      return found && reader.number(found);
    };
    if (limit.value.kind !== "map") {
      const both = reader.number(limit);
      if (both !== undefined) draft.putIn("ulimits", name, `${both}:${both}`, limit.origin);
      continue;
    }
    const [soft, hard] = [number("soft"), number("hard")];
    if (soft === undefined && hard === undefined) draft.mistake(limit.origin, "there is no limit");
    else draft.putIn("ulimits", name, `${soft ?? hard}:${hard ?? soft}`, limit.origin);
  }
}

function readCapabilities(field: "capAdd" | "capDrop"): ReadField {
  return ({ project: { reader }, draft, place }) => {
    for (const { text, origin } of reader.texts(place)) {
      const name = text.toUpperCase().replace(/^CAP_/, "");
      if (!draft.spec[field].includes(name)) draft.push(field, name, origin);
    }
  };
}

function readTmpfs({ project: { reader }, draft, place }: Field): void {
  for (const item of reader.oneOrMore(place)) {
    const text = reader.text(item);
    if (text !== undefined) pushTmpfs(draft, text, item.origin);
  }
}

function readShmSize({ project: { reader }, draft, place }: Field): void {
  const text = reader.text(place);
  if (text !== undefined) shareMemory(draft, text, place.origin);
}

function readDevices({ project: { reader }, draft, place }: Field): void {
  for (const item of reader.items(place)) {
    const entry = (key: string) => {
      const found = item.value.kind === "map" ? reader.entry(item, key) : undefined;
      return found === undefined || isNull(found.value) ? undefined : reader.text(found);
    };
    const text = item.value.kind === "map"
      ? [entry("source"), entry("target"), entry("permissions")]
        .filter((part) => part !== undefined).join(":")
      : reader.text(item);
    if (text !== undefined) pushDevice(draft, text, item.origin);
  }
}

function readNamespace(namespace: "pid" | "ipc" | "uts"): ReadField {
  return ({ project: { reader }, draft, place }) => {
    const text = reader.text(place);
    if (text === undefined || text === "" || text === "private") return;
    if (text !== "host") {
      return draft.leftOut(place.origin, `a namespace that it shares with ${JSON.stringify(text)}`);
    }
    draft.put("hostNamespaces", [...draft.spec.hostNamespaces, namespace], place.origin);
  };
}

function readStopSignal({ project: { reader }, draft, place }: Field): void {
  const text = reader.text(place);
  if (text !== undefined) draft.put("stopSignal", signalName(text), place.origin);
}

function readStopTimeout(field: Field): void {
  const ms = durationOf(field, field.place);
  if (ms !== undefined) field.draft.put("stopTimeoutMs", ms, field.place.origin);
}

function readContainerName({ project, draft, place }: Field): void {
  const text = project.reader.text(place);
  if (text === undefined) return;
  draft.changed(place.origin, `its container is not called ${text}: MCP names containers`);
}

function readExpose({ draft, place }: Field): void {
  draft.leftOut(place.origin, "needless: containers of one network reach every port of each other");
}
