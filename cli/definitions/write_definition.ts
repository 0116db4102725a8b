/**
 * A spec as the text of a definition file: of whom, how it is written, how two differ.
 *
 * @module
 */

import {
  type FieldName,
  fieldNames,
  type FieldOf,
  isDefault,
  keyOf,
  rowOf,
} from "../../lib/domain/component_fields.ts";
import { type ComponentSpec, restartWhenUnwritten } from "../../lib/domain/component_spec.ts";
import { writeDuration } from "../../lib/domain/duration.ts";
import { type HealthCheck, healthCheckDefaults } from "../../lib/domain/health_check.ts";
import { differencesBetween as fieldsBetween } from "../../lib/domain/spec_difference.ts";
import { formatComplaint, formatKeyPath, type KeyPath } from "../../lib/domain/complaint.ts";
import {
  defaultSecretMode,
  defaultSecretTarget,
  type SecretMount,
} from "../../lib/domain/secret_mount.ts";
import { complaintsAbout, type ServiceSpec } from "../../lib/domain/service_spec.ts";
import { McpError } from "../../lib/errors.ts";
import type { Definition } from "./definition.ts";
import type { AgentsCopy } from "./definitions.ts";
import type { SecretOrigin, Sources } from "./sources.ts";

/**
 * The agent's copy as a definition.
 *
 * @throws {McpError} `conflict` when it cannot be one.
 */
export function definitionOf(service: string, { node, declared }: AgentsCopy): Definition {
  const refuse = (why: string, details: readonly string[] = []) =>
    new McpError("conflict", `Cannot export "${service}" of node "${node.name}": ${why}`, {
      details,
      hint: `Run \`mcp adopt ${service}\`, or write the definition by hand`,
    });
  if (declared === undefined) throw refuse("it has no spec of it");
  const complaints = complaintsAbout(declared);
  if (complaints.length > 0) {
    throw refuse("what it remembers makes no definition", complaints.map(formatComplaint));
  }
  return { nodeName: node.name, spec: declared };
}

/**
 * The definition as TOML. What has its default is left out, except for `active`,
 * which `mcp stop` and `mcp start` change. A secret that nobody says the place of is written without
 * one, and with a reminder: a deploy takes it as it is on the node.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { componentDefaults } from "../../lib/domain/component_spec.ts";
 * import { writeDefinition } from "./write_definition.ts";
 *
 * const api = { ...componentDefaults, name: "api", image: "registry.example/mcr:v1" };
 * strictEqual(
 *   writeDefinition({
 *     nodeName: "rift",
 *     spec: { name: "mcr", active: true, components: [{ ...api, ports: ["80:8080"] }] },
 *   }),
 *   `name = "mcr"
 * node = "rift"
 * active = true
 *
 * [[components]]
 * name = "api"
 * image = "registry.example/mcr:v1"
 * ports = ["80:8080"]
 * `,
 * );
 * ```
 */
export function writeDefinition({ nodeName, spec, sources }: Definition): string {
  const head = [
    `name = ${quote(spec.name)}`,
    `node = ${quote(nodeName)}`,
    `active = ${spec.active}`,
  ];
  const long = longTables(spec.components);
  const componentText = (component: ComponentSpec) => componentLines(component, long, sources);
  return [head, ...spec.components.map(componentText)]
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n");
}

/** Written in a way of their own, behind the others. */
const special: readonly FieldName[] = ["healthcheck", "secrets"];
const tableFields = fieldNames.filter((field) => rowOf(field).type === "table") as readonly FieldOf<
  "table"
>[];
/** What is easier to read, and to compare, with a line for each entry. */
const maxEntries = 3;
const maxLineLength = 100;

/**
 * The tables that are written with a line for each entry. Where one component's is, those of the
 * others are, too: the TOML library (version 3.3) takes both ways in one file for one table that is
 * written twice.
 */
function longTables(components: readonly ComponentSpec[]): ReadonlySet<FieldName> {
  return new Set(
    tableFields.filter((field) =>
      components.some((component) =>
        Object.keys(component[field]).length > maxEntries ||
        keyLine(component, field).length > maxLineLength
      )
    ),
  );
}

function componentLines(
  component: ComponentSpec,
  long: ReadonlySet<FieldName>,
  sources: Sources | undefined,
): string[] {
  const { healthcheck } = component;
  const isUnwritten = (field: FieldName) =>
    field === "restart"
      ? component.restart === restartWhenUnwritten(component.kind)
      : field !== "name" && field !== "image" && isDefault(field, component[field]);
  const written = fieldNames.filter((field) => !special.includes(field) && !isUnwritten(field));
  return [
    "[[components]]",
    ...written.filter((field) => !long.has(field)).map((field) => keyLine(component, field)),
    ...(healthcheck === undefined ? [] : [`healthcheck = ${healthCheckToml(healthcheck)}`]),
    ...envFileLines(component, sources),
    ...secretLines(component, sources),
    // Behind all keys: those that follow the head of a table are the table's.
    ...written.filter((field) => long.has(field)).flatMap((field) => [
      "",
      `[components.${keyOf(field)}]`,
      ...Object.entries(component[field] ?? {}).map(([key, value]) =>
        `${keyToml(key)} = ${toToml(value)}`
      ),
    ]),
  ];
}

function keyLine(component: ComponentSpec, field: FieldName): string {
  const value = component[field];
  const isDuration = rowOf(field).type === "duration";
  return `${keyOf(field)} = ${toToml(isDuration ? writeDuration(Number(value)) : value)}`;
}

/** One alone, or a list. */
function envFileLines({ name }: ComponentSpec, sources: Sources | undefined): string[] {
  const paths = sources?.envFiles.filter(({ component }) => component === name)
    .map(({ path }) => path) ?? [];
  const [first, ...others] = paths;
  if (first === undefined) return [];
  return [`env_file = ${toToml(others.length === 0 ? first : paths)}`];
}

/** Each on a line of its own, so that nothing has to be taken apart to add where it comes from. */
function secretLines({ name, secrets }: ComponentSpec, sources: Sources | undefined): string[] {
  if (secrets.length === 0) return [];
  const originOf = (secret: SecretMount) =>
    sources?.secrets.find((each) => each.component === name && each.name === secret.name)?.from;
  const homeless = secrets.filter((secret) => originOf(secret) === undefined);
  return [
    ...homeless.map((secret) =>
      `# secret ${secret.name}: say where it comes from, with file = "…" or command = ["…"]`
    ),
    "secrets = [",
    ...secrets.map((secret) => `  ${secretToml(secret, originOf(secret))},`),
    "]",
  ];
}

function secretToml(
  { name, target, mode, uid, gid }: SecretMount,
  origin: SecretOrigin | undefined,
): string {
  return toToml({
    name,
    ...origin,
    ...(target === defaultSecretTarget(name) ? {} : { target }),
    ...(mode === defaultSecretMode ? {} : { mode: mode.toString(8).padStart(4, "0") }),
    ...(uid === 0 ? {} : { uid }),
    ...(gid === 0 ? {} : { gid }),
  });
}

function healthCheckToml({ probe, ...times }: HealthCheck): string {
  const time = (key: string, field: "intervalMs" | "timeoutMs" | "startPeriodMs") =>
    times[field] === healthCheckDefaults[field]
      ? []
      : [`${key} = ${quote(writeDuration(times[field]))}`];
  return `{ ${
    [
      ...(probe.kind === "exec"
        ? [`exec = ${toToml(probe.command)}`]
        : probe.kind === "tcp"
        ? [`tcp = ${probe.port}`]
        : [`${probe.kind} = ${quote(probe.path)}`, `port = ${probe.port}`]),
      ...time("interval", "intervalMs"),
      ...time("timeout", "timeoutMs"),
      ...(times.retries === healthCheckDefaults.retries ? [] : [`retries = ${times.retries}`]),
      ...time("start_period", "startPeriodMs"),
    ].join(", ")
  } }`;
}

/** A value as TOML, on one line. */
function toToml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toToml).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, each]) => `${keyToml(key)} = ${toToml(each)}`);
    return `{ ${entries.join(", ")} }`;
  }
  return typeof value === "string" ? quote(value) : String(value);
}

function keyToml(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : quote(key);
}

/**
 * Text in the quotes of TOML. JSON's escapes are TOML's as well; TOML wants DEL
 * escaped besides, and a reader the marks that reorder text.
 */
function quote(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(
    /[\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** One difference between two definitions. */
interface Difference {
  /** E.g. `components[0].image`, or `components.web` for a whole component. */
  readonly where: string;
  /** As TOML; undefined where it is left out. */
  readonly mine: string | undefined;
  readonly theirs: string | undefined;
}

/** How two definitions of one service differ; empty when they ask for the same. */
export function differencesBetween(mine: Definition, theirs: Definition): Difference[] {
  const differences: Difference[] = [];
  const compare = (path: KeyPath, one: unknown, other: unknown) => {
    const [here, there] = [one, other].map((value) =>
      value === undefined ? undefined : toToml(value)
    );
    if (here !== there) {
      differences.push({ where: formatKeyPath(path), mine: here, theirs: there });
    }
  };
  compare(["node"], mine.nodeName, theirs.nodeName);
  compare(["active"], mine.spec.active, theirs.spec.active);
  const names = (spec: ServiceSpec) => spec.components.map(({ name }) => name);
  for (const name of new Set([...names(mine.spec), ...names(theirs.spec)])) {
    const [here, there] = [componentNamed(mine.spec, name), componentNamed(theirs.spec, name)];
    const path = ["components", name];
    if (here === undefined || there === undefined) {
      compare(path, here?.image, there?.image);
      continue;
    }
    for (const { field, before, after } of fieldsBetween(here, there)) {
      differences.push({
        where: `${formatKeyPath(path)}.${field}`,
        mine: before === "" ? undefined : quote(before),
        theirs: after === "" ? undefined : quote(after),
      });
    }
  }
  if (differences.length === 0) compare(["components"], names(mine.spec), names(theirs.spec));
  return differences;
}

function componentNamed(spec: ServiceSpec, name: string): ComponentSpec | undefined {
  return spec.components.find((component) => component.name === name);
}
