/**
 * Every field that a service of a Compose file may have, and what becomes of it.
 *
 * @module
 */

import { fieldNames, rowOf, type Special } from "../../../lib/domain/component_fields.ts";
import { isLocalImage } from "../../../lib/domain/image.ts";
import { nearest } from "../../../lib/domain/nearest.ts";
import { readEnvFile } from "../env_file.ts";
import { parsePublished, publish } from "../ports.ts";
import { shellWords } from "../shell_words.ts";
import { beside } from "../sources.ts";
import { pushDevice, pushTmpfs, shareMemory, wholeImage } from "../values.ts";
import { dependOn, readDependencies } from "./dependencies.ts";
import { readDeploy, readPids, readRestart, readScale } from "./deploy.ts";
import { readHealthCheck } from "./healthcheck.ts";
import { cannot } from "./left_out.ts";
import { readNetworkMode } from "./networks.ts";
import { readOrdinary } from "./ordinary.ts";
import { isNull, type Place } from "./place.ts";
import type { Field } from "./project.ts";
import { readConfigs, readSecrets } from "./secrets.ts";
import { readVolumes } from "./volumes.ts";

type ReadField = (field: Field) => void;

/** What Compose says in other ways than as one field of an ordinary value. */
const special: Special<"compose", Readonly<Record<string, ReadField>>> = {
  name: {},
  image: { image: readImage, build: readBuild },
  kind: {},
  pull: { pull_policy: readPullPolicy },
  network: { network_mode: readNetworkMode },
  restart: { restart: readRestart },
  ports: { ports: readPorts },
  volumes: { volumes: readVolumes, configs: readConfigs },
  entrypoint: { entrypoint: readCommand("entrypoint") },
  cmd: { command: readCommand("cmd") },
  dependsOn: { depends_on: readDependencies, links: readLinks },
  // `environment` wins over the files.
  env: { env_file: readEnvFiles, environment: readEnvironment },
  secrets: { secrets: readSecrets },
  healthcheck: { healthcheck: readHealthCheck },
  pids: { pids_limit: readPids },
  ulimits: { ulimits: readUlimits },
  tmpfs: { tmpfs: readTmpfs, shm_size: readShmSize },
  devices: { devices: readDevices },
  hostNamespaces: {
    pid: readNamespace("pid"),
    ipc: readNamespace("ipc"),
    uts: readNamespace("uts"),
  },
};

/** In the order in which they are read: `deploy` wins over what says the same. */
const readers: Readonly<Record<string, ReadField>> = {
  ...Object.assign(
    {},
    ...fieldNames.map((field) => {
      const { compose = "" } = rowOf(field);
      return special[field] ?? { [compose]: (about: Field) => readOrdinary(field, about) };
    }),
  ),
  deploy: readDeploy,
  scale: readScale,
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
  const isBuilt = reader.said(whole, "build") !== undefined;
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

/** `build` */
function readBuild({ project, draft, place }: Field): void {
  const { reader, service } = project;
  const isTable = place.value.kind === "map";
  const text = (key: string) =>
    reader.said(place, key)?.value.kind === "scalar" ? reader.textOf(place, key) : undefined;
  const context = (isTable ? text("context") : reader.text(place)) ?? ".";
  const dockerfile = text("dockerfile");
  const target = text("target");
  const args = reader.entry(place, "args");
  const words = [
    ...(dockerfile === undefined ? [] : [`--file ${quoted(dockerfile)}`]),
    ...(target === undefined ? [] : [`--target ${quoted(target)}`]),
    // Values may be secrets: the file has them.
    ...(args === undefined ? [] : reader.pairs(args)).map(({ name }) =>
      `--build-arg ${quoted(name)}=…`
    ),
  ];
  const isNamed = draft.spec.image !== "" && !isLocalImage(draft.spec.image);
  const tag = isNamed ? draft.spec.image : `REGISTRY/${service}-${draft.spec.name}:v1`;
  const build = ["podman build", ...words, `--tag ${tag}`, quoted(context)].join(" ");
  draft.leftOut(
    place.origin,
    "building its image",
    `Run \`${build}\` and \`podman push ${tag}\`, ` +
      (isNamed ? "which the definition names" : "and write that into `image`"),
  );
  if (draft.spec.image === "") {
    // An image of the node itself is never pulled: what is missing is told at once.
    draft.put("image", `localhost/${service}-${draft.spec.name}:latest`, place.origin);
  }
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** `command` and `entrypoint` */
function readCommand(field: "cmd" | "entrypoint") {
  return (context: Field): void => {
    const { draft, place } = context;
    const words = wordsOf(context, place);
    if (words === undefined) return;
    if (words.length === 0) {
      const what = field === "cmd" ? "command" : "entrypoint";
      return draft.leftOut(
        place.origin,
        `an empty ${what} in place of the image's own`,
        `Write the whole command line into \`${field === "cmd" ? "entrypoint" : "cmd"}\``,
      );
    }
    draft.put(field, words, place.origin);
  };
}

/** A command line in either form; undefined when it is written wrongly. */
function wordsOf({ project, draft }: Field, place: Place): readonly string[] | undefined {
  const { reader } = project;
  if (place.value.kind !== "scalar") return reader.texts(place).map(({ text }) => text);
  const line = reader.text(place);
  if (line === undefined) return undefined;
  const result = shellWords(line);
  if ("error" in result) {
    draft.mistake(place.origin, result.error);
    return undefined;
  }
  if (result.operators.length > 0) {
    draft.needs(
      place.origin,
      `no shell reads this: ${result.operators.join(" ")} is an argument like any other`,
      'If a shell is meant, write ["/bin/sh", "-c", "…"]',
    );
  }
  return result.words;
}

/** `environment` */
function readEnvironment({ project, draft, place }: Field): void {
  for (const { name, value, origin } of project.reader.pairs(place)) {
    const inherited = value ?? project.variables.get(name);
    if (inherited !== undefined) {
      draft.putIn("env", name, inherited, origin);
    } else {
      draft.leftOut(
        origin,
        `${name} is taken from whatever shell Compose was started in`,
        `Write its value into \`env\`, or set ${name} in the .env file and import again`,
      );
    }
  }
}

/** `env_file` */
function readEnvFiles({ project, draft, place }: Field): void {
  const { reader } = project;
  for (const item of reader.oneOrMore(place)) {
    const isTable = item.value.kind === "map";
    const pathPlace = isTable ? reader.entry(item, "path") : item;
    const path = pathPlace && reader.text(pathPlace);
    if (path === undefined) {
      if (pathPlace === undefined) draft.mistake(item.origin, "there is no path");
      continue;
    }
    const required = reader.said(item, "required");
    const format = reader.entry(item, "format");
    const isRaw = format !== undefined && reader.text(format) === "raw";
    const known = new Map([...project.variables, ...Object.entries(draft.spec.env)]);
    readEnvFile(draft, project.sources, {
      path,
      file: beside(item.origin, path),
      origin: item.origin,
      required: required === undefined || reader.flag(required) !== false,
      variables: isRaw ? undefined : known,
      inherited: project.variables,
    });
  }
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
    const text = (key: string) => reader.textOf(item, key) ?? "";
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
    const text = item.value.kind === "map"
      ? ["source", "target", "permissions"].flatMap((key) => reader.textOf(item, key) ?? [])
        .join(":")
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

function readContainerName({ project, draft, place }: Field): void {
  const text = project.reader.text(place);
  if (text === undefined) return;
  draft.changed(place.origin, `its container is not called ${text}: MCP names containers`);
}

function readExpose({ draft, place }: Field): void {
  draft.leftOut(place.origin, "needless: containers of one network reach every port of each other");
}
