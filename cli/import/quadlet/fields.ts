/**
 * Every key that a `.container` may have, and what becomes of it.
 *
 * @module
 */

import {
  type FieldName,
  fieldNames,
  type FieldOf,
  rowOf,
  type Special,
  type TypeWith,
} from "../../../lib/domain/component_fields.ts";
import { nearest } from "../../../lib/domain/nearest.ts";
import type { Draft } from "../draft.ts";
import { readEnvFile } from "../env_file.ts";
import { checkHealth, shellCommand } from "../health.ts";
import { mount, parseMount } from "../mounts.ts";
import { parsePublished, publish } from "../ports.ts";
import { mountSecret, whereItComesFrom } from "../secret_mount.ts";
import { beside } from "../sources.ts";
import {
  goDurationMs,
  pushDevice,
  pushOnce,
  pushTmpfs,
  putMemory,
  putText,
  shareMemory,
  wholeImage,
} from "../values.ts";
import { cannot } from "./left_out.ts";
import { type Said, tellOfSpecifiers, type UnitField, wordsIn } from "./unit.ts";

type ReadField = (field: UnitField) => void;
type ReadSaid = (field: UnitField, said: Said) => void;

/** What a key says when it may say one thing: the last of it. */
function once(read: ReadSaid): ReadField {
  return (field) => {
    const said = field.said.at(-1);
    if (said !== undefined) read(field, said);
  };
}

/** What a key says when it may be repeated. */
function each(read: ReadSaid): ReadField {
  return (field) => {
    for (const said of field.said) read(field, said);
  };
}

type OrdinaryType = Exclude<TypeWith<"quadlet">, "choice" | "count">;
/** Keys that say what one field holds, by the type of that. */
const ordinary: {
  readonly [Type in OrdinaryType]: (name: FieldOf<Type>) => ReadSaid;
} = {
  text: (name) => ({ draft }, { value, origin }) => putText(draft, name, value, origin),
  memory: (name) => ({ draft }, { value, origin }) => putMemory(draft, name, value, origin),
  number: (name) => ({ draft }, { value, origin }) => {
    if (Number(value) > 0) draft.put(name, Number(value), origin);
    else draft.mistake(origin, `expected ${rowOf(name).rule?.expected}`);
  },
  flag: (name) => ({ draft }, { value, origin }) => {
    if (isTrue(value)) draft.put(name, true, origin);
  },
  duration: (name) => ({ draft }, { value, origin }) => {
    const ms = goDurationMs(value);
    if (ms === undefined) draft.mistake(origin, "expected a number of seconds");
    else draft.put(name, ms, origin);
  },
  set: (name) => ({ draft }, { value, origin }) => {
    for (const word of value.split(/\s+/)) pushOnce(draft, name, word, origin);
  },
  table: (name) => ({ draft }, said) => {
    for (const word of wordsIn(draft, said)) {
      const [key = ""] = word.split("=", 1);
      draft.putIn(name, key, word.slice(key.length + 1), said.origin);
    }
  },
};

function readOrdinary(field: FieldName): ReadSaid {
  return ordinary[rowOf(field).type as OrdinaryType](field as never);
}

/** What is said in other ways than as one key of an ordinary value. */
const special: Special<"quadlet", Readonly<Record<string, ReadField>>> = {
  name: {},
  image: { "Container.Image": once(readImage) },
  // Before `Restart=`, which means something else of a job.
  kind: { "Service.Type": once(readType) },
  pull: { "Container.Pull": once(readPull) },
  network: { "Container.Network": readNetwork },
  user: { "Container.User": once(readUser), "Container.Group": once(readGroup) },
  restart: { "Service.Restart": once(readRestart) },
  ports: { "Container.PublishPort": each(readPort) },
  volumes: { "Container.Volume": each(readVolume), "Container.Mount": each(readMount) },
  entrypoint: { "Container.Entrypoint": once(readEntrypoint) },
  cmd: { "Container.Exec": once(readExec) },
  dependsOn: Object.fromEntries(
    ["Requires", "BindsTo", "Requisite", "Wants", "After"]
      .map((key) => [`Unit.${key}`, each(readDependencies)]),
  ),
  env: {
    "Container.EnvironmentFile": each(readEnvironmentFile),
    "Container.Environment": each(readEnvironment),
  },
  secrets: { "Container.Secret": each(readSecrets) },
  healthcheck: { "Container.HealthCmd": once(readHealth) },
  // In files of podmans that have the key; in all of them it is an argument.
  memory: { "Container.Memory": once(readOrdinary("memory")) },
  pids: { "Container.PidsLimit": once(readPids) },
  ulimits: { "Container.Ulimit": each(readUlimit) },
  readOnly: { "Container.ReadOnly": once(readReadOnly) },
  tmpfs: {
    "Container.Tmpfs": each(readTmpfs),
    "Container.VolatileTmp": once(readVolatileTmp),
    "Container.ShmSize": once(({ draft }, { value, origin }) => shareMemory(draft, value, origin)),
  },
  devices: { "Container.AddDevice": each(readDevice) },
  hostNamespaces: {},
};

/** In the order in which they are read. */
const readers: Readonly<Record<string, ReadField>> = {
  ...Object.assign(
    {},
    ...fieldNames.map((field) => {
      if (special[field] !== undefined) return special[field];
      const { type, quadlet: { key } = { key: "" } } = rowOf(field);
      if (key === "PodmanArgs") return {};
      const repeat = type === "set" || type === "table" ? each : once;
      return { [`Container.${key}`]: repeat(readOrdinary(field)) };
    }),
  ),
  "Container.PodmanArgs": each(readPodmanArgs),
  "Container.ContainerName": once(readContainerName),
};

/** Arguments of podman that a definition can say as well; those that no key says in all podmans. */
const podmanArguments: Readonly<Record<string, ReadSaid>> = {
  "--ipc": readNamespace("ipc"),
  "--pid": readNamespace("pid"),
  "--tmpfs": readTmpfs,
  "--uts": readNamespace("uts"),
  "--volume": readVolume,
  ...Object.fromEntries(
    fieldNames.flatMap((field) => {
      const { type, podman, quadlet } = rowOf(field);
      const isWritten = quadlet?.key === "PodmanArgs" || type === "text";
      return podman === undefined || quadlet === undefined || !isWritten
        ? []
        : [[podman, readOrdinary(field)]];
    }),
  ),
};

/** Those that stand alone. */
const switches: ReadonlySet<string | undefined> = new Set(
  fieldNames.filter((field) => rowOf(field).type === "flag").map((field) => rowOf(field).podman),
);

/** Read together with others. */
const silent = new Set([
  "Container.HealthInterval",
  "Container.HealthTimeout",
  "Container.HealthRetries",
  "Container.HealthStartPeriod",
]);

/** Reads everything that one unit says. */
export function readUnit(
  values: ReadonlyMap<string, readonly Said[]>,
  unit: Omit<UnitField, "said">,
): void {
  for (const [key, read] of Object.entries(readers)) {
    const said = values.get(key) ?? [];
    // A file that only the node has is not read, whatever it is called.
    if (key !== "Container.EnvironmentFile") {
      for (const one of said) tellOfSpecifiers(unit.draft, one);
    }
    if (said.length > 0) read({ ...unit, said });
  }
  for (const [key, said] of values) {
    if (Object.hasOwn(readers, key) || silent.has(key)) continue;
    for (const { origin } of said) leaveOut(unit.draft, key, origin);
  }
}

function leaveOut(draft: Draft, key: string, origin: Said["origin"]): void {
  const [section = "", name = ""] = key.split(".");
  if (section.startsWith("X-") || name.startsWith("X-")) return;
  const [what, todo] = Object.hasOwn(cannot, key) ? cannot[key] ?? ["", ""] : ["", ""];
  if (what !== "") return draft.leftOut(origin, what, todo);
  if (section === "Container") {
    const known = [...Object.keys(readers), ...silent, ...Object.keys(cannot)]
      .filter((each) => each.startsWith("Container."))
      .map((each) => each.slice("Container.".length));
    const close = nearest(name, known);
    return draft.leftOut(
      origin,
      "no key of a quadlet that is known here",
      close === undefined ? "" : `If ${close}= is meant, write that and import again`,
    );
  }
  draft.leftOut(origin, `${name}= of its unit`, "No unit of systemd runs the container");
}

// --- One key after the other ---------------------------------------------------------

function readImage({ draft }: UnitField, { value, origin }: Said): void {
  if (/\.(image|build)$/.test(value)) {
    return draft.mistake(origin, `${value} is another unit: write the image that it stands for`);
  }
  const image = wholeImage(value);
  draft.put("image", image, origin);
  if (image !== value) draft.changed(origin, `${value} became ${image}, which podman wants whole`);
}

function readPull({ draft }: UnitField, { value, origin }: Said): void {
  if (value === "always" || value === "missing" || value === "never") {
    draft.put("pull", value, origin);
  } else {
    draft.changed(origin, `${JSON.stringify(value)} became "always": at each deploy`);
  }
}

function readNetwork({ draft, said, networkName }: UnitField): void {
  const [first, ...others] = said;
  if (first === undefined) return;
  for (const { value, origin } of others) {
    draft.leftOut(origin, `the network ${JSON.stringify(value)}: a component has one`);
  }
  const { value, origin } = first;
  const [name = "", options] = value.split(":");
  if (name === "host" || name === "none") return draft.put("network", name, origin);
  if (name === "container" || name.endsWith(".container") || name === "ns") {
    return draft.leftOut(
      origin,
      "the network of another container: a component has one of its own",
    );
  }
  if (options !== undefined) draft.leftOut(origin, `the options ${JSON.stringify(options)} of it`);
  if (["private", "pasta", "slirp4netns", "bridge", "default"].includes(name)) return;
  draft.put("network", name.endsWith(".network") ? networkName(name) : name, origin);
}

function readUser({ draft, last }: UnitField, { value, origin }: Said): void {
  const group = last("Container", "Group");
  draft.put("user", group === undefined ? value : `${value}:${group.value}`, origin);
}

function readGroup({ draft, last }: UnitField, { origin }: Said): void {
  if (last("Container", "User") === undefined) {
    draft.leftOut(origin, "a group without a user", 'Write `user = "user:group"`');
  }
}

function readType({ draft }: UnitField, { value, origin }: Said): void {
  if (value === "oneshot") draft.put("kind", "job", origin);
  else if (value !== "notify" && value !== "simple" && value !== "exec") {
    draft.leftOut(origin, `Type=${value}`);
  }
}

function readRestart({ draft }: UnitField, { value, origin }: Said): void {
  if (value === "always" && draft.spec.kind === "service") draft.put("restart", "always", origin);
  else if (value === "on-failure" || value === "no") draft.put("restart", value, origin);
  else if (value === "always") draft.leftOut(origin, "Restart=always of a job");
  else {
    draft.put("restart", "on-failure", origin);
    draft.changed(origin, `${value} became "on-failure"`);
  }
}

function readPort({ draft }: UnitField, { value, origin }: Said): void {
  const published = parsePublished(value);
  if (published !== undefined) publish(draft, published, origin);
  else draft.mistake(origin, "expected [address:][port:]container port[/protocol]");
}

function readVolume({ draft, home }: UnitField, { value, origin }: Said): void {
  const written = parseMount(value);
  if (written === undefined) draft.mistake(origin, "expected source:target[:options]");
  else mount(draft, written, home, origin);
}

/** `Mount=type=…,source=…,destination=…` */
function readMount({ draft, home }: UnitField, { value, origin }: Said): void {
  const options: string[] = [];
  const named = new Map<string, string>();
  const names: Readonly<Record<string, string>> = {
    src: "source",
    dst: "target",
    destination: "target",
    readonly: "ro",
    "tmpfs-size": "size",
    "tmpfs-mode": "mode",
  };
  for (const part of value.split(",")) {
    const at = part.indexOf("=");
    const key = at < 0 ? part : part.slice(0, at);
    const name = Object.hasOwn(names, key) ? names[key] ?? key : key;
    const said = at < 0 ? "true" : part.slice(at + 1);
    if (["type", "source", "target", "size", "mode"].includes(name)) named.set(name, said);
    else if (name === "ro" && said !== "false") options.push("ro");
    else if (name !== "rw") options.push(part);
  }
  const target = named.get("target");
  if (target === undefined) return draft.mistake(origin, "there is no destination");
  const type = named.get("type") ?? "volume";
  if (type === "tmpfs") {
    const all = ["size", "mode"].flatMap((key) =>
      named.has(key) ? [`${key}=${named.get(key)}`] : []
    );
    return pushTmpfs(
      draft,
      [target, ...(all.length === 0 ? [] : [all.join(",")])].join(":"),
      origin,
    );
  }
  if (type !== "bind" && type !== "volume") {
    return draft.leftOut(origin, `a mount of type ${JSON.stringify(type)}`);
  }
  mount(draft, { source: named.get("source") ?? "", target, options }, home, origin);
}

function readEntrypoint({ draft }: UnitField, said: Said): void {
  // Several words are written as JSON, as podman wants them.
  const list = said.value.startsWith("[") ? jsonWords(said.value) : [said.value];
  if (list === undefined) draft.mistake(said.origin, "expected a program, or a list of words");
  else draft.put("entrypoint", list, said.origin);
}

function jsonWords(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.length > 0 &&
        value.every((word) => typeof word === "string")
      ? value
      : undefined;
  } catch {
    // It is no JSON, which is all that is asked here.
    return undefined;
  }
}

function readExec({ draft }: UnitField, said: Said): void {
  const words = wordsIn(draft, said);
  if (words.length === 0) return;
  draft.put("cmd", words.map((word) => word.replaceAll("$$", "$")), said.origin);
  const [variable] = /(?<!\$)\$(\{\w+\}|[A-Za-z_]\w*)/.exec(said.value) ?? [];
  if (variable !== undefined) {
    draft.needs(
      said.origin,
      `${variable} stands in \`cmd\` as it is: systemd puts variables in, MCP does not`,
      "Write what it stands for",
    );
  }
}

/** Units of these kinds are about the machine, which is up when the agent is. */
const aboutTheMachine = /\.(target|mount|socket|path|timer|device)$/;

function readDependencies({ draft, components }: UnitField, { value, origin }: Said): void {
  for (const unit of value.split(/\s+/)) {
    const component = components.get(unit);
    if (component !== undefined) {
      if (component !== draft.spec.name && !draft.spec.dependsOn.includes(component)) {
        draft.push("dependsOn", component, origin);
      }
    } else if (aboutTheMachine.test(unit)) {
      draft.leftOut(origin, `needless: ${unit} is there when the agent is`);
    } else if (/-(network|volume)\.service$|\.(network|volume)$/.test(unit)) {
      draft.leftOut(origin, `needless: ${unit} makes what it uses by itself`);
    } else {
      draft.leftOut(
        origin,
        `it does not wait for ${unit}, which is no component`,
        /\.container$|\.service$/.test(unit) ? "Import its .container together with this one" : "",
      );
    }
  }
}

function readEnvironmentFile({ draft, sources }: UnitField, { value, origin }: Said): void {
  const required = !value.startsWith("-");
  const path = value.replace(/^-/, "");
  if (path.startsWith("%") || path.startsWith("/")) {
    return draft.leftOut(
      origin,
      `the variables of ${path}, a file of the node`,
      "Write them into `env`",
    );
  }
  readEnvFile(draft, sources, {
    path,
    file: beside(origin, path),
    origin,
    required,
    variables: undefined,
    inherited: new Map(),
  });
}

function readEnvironment({ draft }: UnitField, said: Said): void {
  for (const word of wordsIn(draft, said)) {
    const at = word.indexOf("=");
    if (at > 0) draft.putIn("env", word.slice(0, at), word.slice(at + 1), said.origin);
    else draft.leftOut(said.origin, `${word} is taken from the node`, "Write its value into `env`");
  }
}

/** `Secret=name[,type=…][,target=…][,uid=…][,gid=…][,mode=…]` */
function readSecrets({ draft }: UnitField, said: Said): void {
  for (const text of wordsIn(draft, said)) readSecret(draft, text, said.origin);
}

function readSecret(draft: Draft, text: string, origin: Said["origin"]): void {
  const [name = "", ...rest] = text.split(",");
  const options = new Map(rest.map((part) => {
    const [key = "", ...text] = part.split("=");
    return [key.trim(), text.join("=")] as const;
  }));
  const isVariable = options.get("type") === "env";
  const bits = options.get("mode");
  const isMounted = mountSecret(draft, {
    name,
    file: undefined,
    target: isVariable ? undefined : options.get("target"),
    mode: bits === undefined || !/^0?[0-7]{3}$/.test(bits) ? undefined : parseInt(bits, 8),
    uid: isVariable ? undefined : options.get("uid"),
    gid: isVariable ? undefined : options.get("gid"),
  }, origin);
  if (!isMounted) return;
  const { target = "" } = draft.spec.secrets.at(-1) ?? {};
  if (isVariable) {
    const variable = options.get("target") ?? name;
    draft.needs(
      origin,
      `the secret ${name} is a file, not a variable that everybody could look up`,
      `Have the image read ${target} in place of ${variable} (often ${variable}_FILE)`,
    );
  }
  draft.needs(
    origin,
    `nobody says where the secret ${name} comes from: podman on the node has it`,
    whereItComesFrom,
  );
}

function readHealth({ draft, last }: UnitField, { value, origin }: Said): void {
  if (value === "none") return;
  const time = (key: string) => {
    const said = last("Container", key);
    if (said === undefined || said.value === "disable") return undefined;
    const ms = goDurationMs(said.value);
    if (ms === undefined) draft.mistake(said.origin, 'expected a duration like "30s" or "1m30s"');
    return ms;
  };
  const retries = last("Container", "HealthRetries");
  const count = retries === undefined ? undefined : Number(retries.value);
  if (retries !== undefined && !Number.isInteger(count)) {
    draft.mistake(retries.origin, "expected a number");
    return;
  }
  const words = value.startsWith("[") ? jsonWords(value) : undefined;
  const [kind, ...rest] = words ?? [];
  const command = words === undefined
    ? shellCommand(value)
    : kind === "CMD-SHELL"
    ? shellCommand(rest.join(" "))
    : kind === "CMD"
    ? rest
    : words;
  checkHealth(draft, {
    command,
    intervalMs: time("HealthInterval"),
    timeoutMs: time("HealthTimeout"),
    retries: count,
    startPeriodMs: time("HealthStartPeriod"),
  }, origin);
}

function readPids({ draft }: UnitField, { value, origin }: Said): void {
  const pids = Number(value);
  if (!Number.isInteger(pids)) draft.mistake(origin, "expected a number");
  else if (pids > 0) draft.put("pids", pids, origin);
  else draft.leftOut(origin, "no limit at all: podman's own holds");
}

function readUlimit({ draft }: UnitField, { value, origin }: Said): void {
  const [name = "", limit] = value.split("=");
  if (limit === undefined) draft.leftOut(origin, `the limits of ${name}`);
  else draft.putIn("ulimits", name, limit.includes(":") ? limit : `${limit}:${limit}`, origin);
}

function isTrue(value: string): boolean {
  return /^(true|yes|on|1)$/i.test(value);
}

function readReadOnly({ draft, last }: UnitField, { value, origin }: Said): void {
  if (!isTrue(value)) return;
  draft.put("readOnly", true, origin);
  if (last("Container", "ReadOnlyTmpfs") === undefined) {
    draft.changed(
      origin,
      "podman would give it folders in memory beside its read-only files",
      'Add `tmpfs = ["/tmp", "/run"]` where it writes there',
    );
  }
}

function readTmpfs({ draft }: UnitField, { value, origin }: Said): void {
  pushTmpfs(draft, value, origin);
}

function readVolatileTmp({ draft }: UnitField, { value, origin }: Said): void {
  if (isTrue(value)) pushTmpfs(draft, "/tmp", origin);
}

function readDevice({ draft }: UnitField, { value, origin }: Said): void {
  // The "-" in front makes a device optional.
  if (value.startsWith("-")) draft.changed(origin, `${value.slice(1)} must be there`);
  pushDevice(draft, value.replace(/^-/, ""), origin);
}

/** `PodmanArgs=--flag=value --flag value --privileged` */
function readPodmanArgs(field: UnitField, said: Said): void {
  const { draft } = field;
  const words = [...wordsIn(draft, said)];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const at = word.indexOf("=");
    const flag = at < 0 ? word : word.slice(0, at);
    const read = Object.hasOwn(podmanArguments, flag) ? podmanArguments[flag] : undefined;
    if (read !== undefined) {
      const value = at >= 0 ? word.slice(at + 1) : switches.has(flag) ? "true" : words.shift();
      if (value === undefined) draft.mistake(said.origin, `expected a value for ${flag}`);
      else read(field, { value, origin: said.origin });
    } else {
      draft.leftOut(
        said.origin,
        `podman's argument ${JSON.stringify(word)}`,
        "Look whether a key of the definition says the same",
      );
    }
  }
}

function readNamespace(namespace: "pid" | "ipc" | "uts"): ReadSaid {
  return ({ draft }, { value, origin }) => {
    if (value === "host") {
      draft.put("hostNamespaces", [...draft.spec.hostNamespaces, namespace], origin);
    } else draft.leftOut(origin, `its ${namespace} namespace`);
  };
}

function readContainerName({ draft }: UnitField, { value, origin }: Said): void {
  draft.changed(origin, `its container is not called ${value}: MCP names containers`);
}
