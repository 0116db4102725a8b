/**
 * The fields of a component, one row each, in the order in which a definition is written. All that is
 * said of an ordinary field is said here; what is done with it follows from its type:
 *
 * | column    | followed by                                                                          |
 * | --------- | ------------------------------------------------------------------------------------ |
 * | `type`    | the spec's own type and defaults, TOML both ways, the wire, the registry, `--json`   |
 * | `rule`    | complaints about a definition, and about a spec that was sent                        |
 * | `podman`  | `podman run`, what is read of the command that made a container, `PodmanArgs=`       |
 * | `inspect` | `mcp adopt`, and drift: what podman says of a container that was made                |
 * | `compose` | `mcp service import` of a Compose file                                               |
 * | `quadlet` | `mcp service import` and `export` of quadlets                                        |
 * | `kube`    | `mcp service export --format kube`                                                   |
 *
 * A column that is left out has a function in its place, where that column is followed: what is
 * missing there is a mistake of types (see {@link Special}). On the wire a field has its own name.
 * How to add one: `lib/README.md`.
 *
 * @module
 */

import {
  canonicalDevice,
  canonicalMemory,
  canonicalNetwork,
  canonicalPath,
  canonicalPort,
  canonicalTmpfs,
  canonicalVolume,
  capabilityName,
} from "./canonical_texts.ts";
import * as rules from "./field_rules.ts";
import { between, matching, type Rule } from "./field_rules.ts";
import type { HealthCheck } from "./health_check.ts";
import { isName, nameRule } from "./names.ts";
import type { SecretMount } from "./secret_mount.ts";
import { signalName } from "./signals.ts";

/** What a field may hold. */
interface FieldValues {
  /** Empty = it is not said. */
  readonly text: string;
  /** An amount like "512m"; empty = it is not said. */
  readonly memory: string;
  /** A list whose order means something. */
  readonly words: readonly string[];
  /** A list whose order means nothing. */
  readonly set: readonly string[];
  readonly table: Readonly<Record<string, string>>;
  readonly flag: boolean;
  /** 0 = it is not said. */
  readonly number: number;
  /** A whole number; 0 = it is not said. */
  readonly count: number;
  /** In milliseconds; its field ends in "Ms". */
  readonly duration: number | undefined;
  readonly choice: string;
  readonly secrets: readonly SecretMount[];
  readonly healthcheck: HealthCheck | undefined;
}

/** How an ordinary field is written, compared and checked. */
export type FieldType = keyof FieldValues;

/** What podman says of a container that was made. */
export interface Inspected {
  /** In what `podman container inspect` prints. */
  readonly path: string;
  /** What podman puts there by itself, of a table by name; it counts where the command that made it is not known. */
  readonly own?: readonly (string | number)[];
  /** How a value is announced that no definition can say; such a value of any other is passed over. */
  readonly called?: string;
}

/** One field. */
export interface FieldRow {
  readonly type: FieldType;
  /** What a definition calls it, where that is not the field's own name. */
  readonly key?: string;
  /** The words there are, of a choice and a set; of a choice the first one is meant unless another is said. */
  readonly of?: readonly string[];
  /** What is meant when it is not said, where that is not what its type says. */
  readonly unwritten?: string;
  /** For each value that is not the default: of lists and tables, each of theirs. */
  readonly rule?: Rule<string> | Rule<number>;
  /** For each name of a table. */
  readonly names?: Rule<string>;
  /** Two texts that it makes equal ask for the same. */
  readonly canonical?: (text: string) => string;
  /** A text of another tool as ours; it means the same, and is the canonical one, too. */
  readonly spelling?: (text: string) => string;
  /** podman's long flag. */
  readonly podman?: string;
  readonly inspect?: Inspected;
  /** The field of a service in a Compose file. */
  readonly compose?: string;
  /**
   * The key of `[Container]`, and since which podman its generator knows it, where that is later than
   * 4.4, its first one; "PodmanArgs" where no key says it in all podmans.
   */
  readonly quadlet?: { readonly key: string; readonly since?: string };
  /** Where it stands in a pod, below its `spec`, `container` or `security`; or why it does not. */
  readonly kube?: string | { readonly leftOut: string };
}

/** The table. */
export const componentFields = {
  name: {
    type: "text",
    rule: { isOk: isName, expected: `a component name (${nameRule})` },
    kube: "container.name",
  },
  image: {
    type: "text",
    rule: rules.imageReference,
    quadlet: { key: "Image" },
    kube: "container.image",
  },
  /** A service stays up; a job runs to its end, and has succeeded with exit code 0. */
  kind: { type: "choice", of: ["service", "job"] },
  /** When the image is fetched: at each deploy, only when it is not on the node, or never. */
  pull: {
    type: "choice",
    of: ["always", "missing", "never"],
    quadlet: { key: "Pull", since: "4.6" },
  },
  /** Network name or mode; empty = the runtime's default. */
  network: {
    type: "text",
    rule: matching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/, "a network name"),
    canonical: canonicalNetwork,
    podman: "--network",
  },
  /** "user[:group]", numbers or names known to the image; empty = the image's own. */
  user: {
    type: "text",
    rule: matching(
      /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63}(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63})?$/,
      '"user" or "user:group"',
    ),
    canonical: (user) => user.replaceAll(/(^|:)root(?=:|$)/g, "$10"),
    podman: "--user",
    compose: "user",
  },
  /** "no", "on-failure[:n]", "always" or "unless-stopped". */
  restart: {
    type: "text",
    unwritten: "unless-stopped",
    rule: matching(
      /^(no|always|unless-stopped|on-failure(:[0-9]{1,4})?)$/,
      '"no", "on-failure", "on-failure:N", "always" or "unless-stopped"',
    ),
    canonical: (restart) => restart.replace(/^on-failure:0+$/, "on-failure"),
    podman: "--restart",
  },
  /** "[ip:]host:container[/protocol]". */
  ports: {
    type: "set",
    rule: rules.portMapping,
    canonical: canonicalPort,
    podman: "--publish",
  },
  /** "source:target[:options]". */
  volumes: {
    type: "set",
    rule: rules.volumeMapping,
    canonical: canonicalVolume,
    podman: "--volume",
  },
  /** The program and its first arguments; empty = the image's own. */
  entrypoint: { type: "words", rule: rules.entrypointWord },
  /** Arguments after the image name; empty = the image's own command. */
  cmd: { type: "words", rule: rules.argument },
  /** Where its process begins; empty = where the image says. */
  workdir: {
    type: "text",
    rule: rules.absolutePath,
    canonical: canonicalPath,
    podman: "--workdir",
    compose: "working_dir",
    quadlet: { key: "WorkingDir", since: "4.6" },
    kube: "container.workingDir",
  },
  /** Empty = the container's own id. */
  hostname: {
    type: "text",
    rule: matching(/^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62}[a-zA-Z0-9])?$/, "a host name"),
    podman: "--hostname",
    compose: "hostname",
    quadlet: { key: "HostName", since: "4.6" },
  },
  /** Components of the same service that must have proved themselves before. */
  dependsOn: {
    type: "set",
    key: "depends_on",
    rule: { isOk: isName, expected: `a component's name (${nameRule})` },
  },
  /** Variables of the container's processes. */
  env: {
    type: "table",
    names: matching(/^[a-zA-Z_][a-zA-Z0-9_.-]{0,254}$/, "a variable's name"),
    rule: rules.tableValue,
    podman: "--env",
    quadlet: { key: "Environment" },
  },
  secrets: { type: "secrets" },
  /** Beside those that MCP gives every container. */
  labels: {
    type: "table",
    names: rules.labelName,
    rule: rules.tableValue,
    compose: "labels",
    quadlet: { key: "Label" },
  },
  healthcheck: { type: "healthcheck" },
  /** At most so much memory, e.g. "512m"; empty = no limit. */
  memory: {
    type: "memory",
    rule: rules.memoryAmount,
    canonical: canonicalMemory,
    podman: "--memory",
    compose: "mem_limit",
    // Memory= is known from 5.5 on only, which no Debian has.
    quadlet: { key: "PodmanArgs" },
  },
  /** At most so many cores, e.g. 1.5; 0 = no limit. */
  cpus: {
    type: "number",
    rule: between(0.01, 1024, "a number of cores from 0.01 on"),
    podman: "--cpus",
    compose: "cpus",
    quadlet: { key: "PodmanArgs" },
  },
  /** At most so many processes and threads; 0 = the runtime's default. */
  pids: {
    type: "count",
    rule: between(0, 4_194_304, "a number of processes"),
    podman: "--pids-limit",
    inspect: { path: "HostConfig.PidsLimit", own: [2048] },
    quadlet: { key: "PidsLimit", since: "4.7" },
    kube: { leftOut: "only a kubelet limits processes, of all pods alike" },
  },
  /** "soft[:hard]" by name, e.g. `nofile` → "1024:2048". */
  ulimits: {
    type: "table",
    names: matching(
      /^(core|cpu|data|fsize|locks|memlock|msgqueue|nice|nofile|nproc|rss|rtprio|rttime|sigpending|stack)$/,
      "the name of a limit, like nofile",
    ),
    rule: matching(/^(-1|\d{1,18})(:(-1|\d{1,18}))?$/, '"soft" or "soft:hard"'),
    canonical: (limit) => limit.includes(":") ? limit : `${limit}:${limit}`,
    podman: "--ulimit",
    // containers.conf gives these two to every container.
    inspect: { path: "HostConfig.Ulimits", own: ["nofile", "nproc"], called: "limits" },
    quadlet: { key: "Ulimit", since: "4.7" },
  },
  /** Capabilities without "CAP_", e.g. "NET_BIND_SERVICE". */
  capAdd: {
    type: "set",
    key: "cap_add",
    rule: rules.capability,
    spelling: capabilityName,
    podman: "--cap-add",
    inspect: { path: "HostConfig.CapAdd", called: "added capabilities" },
    compose: "cap_add",
    quadlet: { key: "AddCapability" },
  },
  /** As those that are added; "ALL" is all of them. */
  capDrop: {
    type: "set",
    key: "cap_drop",
    rule: rules.capability,
    spelling: capabilityName,
    podman: "--cap-drop",
    inspect: {
      path: "HostConfig.CapDrop",
      // Those of Docker's list that podman does not give.
      own: ["CAP_AUDIT_WRITE", "CAP_MKNOD", "CAP_NET_RAW"],
      called: "dropped capabilities",
    },
    compose: "cap_drop",
    quadlet: { key: "DropCapability" },
  },
  /** Whether the image's own files cannot be changed. */
  readOnly: {
    type: "flag",
    key: "read_only",
    podman: "--read-only",
    inspect: { path: "HostConfig.ReadonlyRootfs" },
    compose: "read_only",
    quadlet: { key: "ReadOnly" },
    kube: "security.readOnlyRootFilesystem",
  },
  /** "path[:options]" in memory, e.g. "/tmp:size=64m". */
  tmpfs: {
    type: "set",
    rule: rules.memoryFolder,
    canonical: canonicalTmpfs,
    podman: "--tmpfs",
    quadlet: { key: "Tmpfs", since: "4.5" },
  },
  /** "device[:in the container[:rwm]]". */
  devices: {
    type: "set",
    rule: rules.deviceMapping,
    canonical: canonicalDevice,
    podman: "--device",
    inspect: { path: "HostConfig.Devices", called: "devices" },
    quadlet: { key: "AddDevice" },
  },
  /** Without most of what keeps a container apart. */
  privileged: {
    type: "flag",
    podman: "--privileged",
    compose: "privileged",
    quadlet: { key: "PodmanArgs" },
    kube: "security.privileged",
  },
  /** Namespaces of the node that it shares, besides `network = "host"`. */
  hostNamespaces: { type: "set", key: "host_namespaces", of: ["pid", "ipc", "uts"] },
  /** E.g. "SIGQUIT"; empty = the image's own. */
  stopSignal: {
    type: "text",
    key: "stop_signal",
    rule: matching(/^(SIG)?[A-Z][A-Z0-9+]{1,11}$/, 'a signal like "SIGQUIT"'),
    spelling: signalName,
    podman: "--stop-signal",
    compose: "stop_signal",
    quadlet: { key: "StopSignal", since: "5.2" },
    kube: { leftOut: "the image says which signal stops it" },
  },
  /** How long it may take to stop before it is killed; undefined = as the agent's config says. */
  stopTimeoutMs: {
    type: "duration",
    key: "stop_timeout",
    rule: between(0, 3_600_000, "at most an hour"),
    podman: "--stop-timeout",
    inspect: { path: "Config.StopTimeout", own: [0, 10], called: "time to stop" },
    compose: "stop_grace_period",
    quadlet: { key: "StopTimeout" },
  },
} as const satisfies Readonly<Record<string, FieldRow>>;

type Rows = typeof componentFields;
/** A field by its name in a spec. */
export type FieldName = keyof Rows;
/** The fields of these types. */
export type FieldOf<Type extends FieldType> = {
  [Field in FieldName]: Rows[Field]["type"] extends Type ? Field : never;
}[FieldName];

type ValueOf<Row> = Row extends { readonly type: "choice"; readonly of: readonly (infer Word)[] }
  ? Word
  : Row extends { readonly type: "set"; readonly of: readonly (infer Word)[] } ? readonly Word[]
  : Row extends { readonly type: infer Type extends FieldType } ? FieldValues[Type]
  : never;
/** What each field holds. */
export type FieldsByName = { readonly [Field in FieldName]: ValueOf<Rows[Field]> };

/** Fields whose rows have a column. */
export type FieldWith<Column extends keyof FieldRow> = {
  [Field in FieldName]: Rows[Field] extends Readonly<Record<Column, unknown>> ? Field : never;
}[FieldName];

/** The types of those fields. */
export type TypeWith<Column extends keyof FieldRow> = Rows[FieldWith<Column>]["type"];

/** What stands in place of a column: for each field whose row has none, and for others that need it. */
export type Special<Column extends keyof FieldRow, Handler> =
  & Readonly<Record<Exclude<FieldName, FieldWith<Column>>, Handler>>
  & Readonly<Partial<Record<FieldName, Handler>>>;

/** All fields, in the order of the table. */
export const fieldNames = Object.keys(componentFields) as readonly FieldName[];

/** The row of a field. */
export function rowOf(field: FieldName): FieldRow {
  return componentFields[field];
}

/** What a definition calls a field. */
export function keyOf(field: FieldName): string {
  return rowOf(field).key ?? field;
}

/** Of each type. */
const emptyValues: { readonly [Type in FieldType]: FieldValues[Type] } = {
  text: "",
  memory: "",
  words: [],
  set: [],
  table: {},
  flag: false,
  number: 0,
  count: 0,
  duration: undefined,
  choice: "",
  secrets: [],
  healthcheck: undefined,
};

/** What a field is when nothing is said of it. */
export function defaultOf(field: FieldName): unknown {
  const { type, of, unwritten } = rowOf(field);
  return unwritten ?? (type === "choice" ? of?.[0] : emptyValues[type]);
}

/** Whether a field says no more than its default. */
export function isDefault(field: FieldName, value: unknown): boolean {
  return JSON.stringify(value) === JSON.stringify(defaultOf(field));
}

/**
 * Fields of the first version: the registry has columns for them, and `--json` prints them
 * whatever they say.
 */
export const firstFields = [
  "name",
  "image",
  "network",
  "user",
  "restart",
  "ports",
  "volumes",
  "cmd",
] as const satisfies readonly FieldName[];
