/**
 * A spec as the text of a definition file: of whom, how it is written, how two differ.
 *
 * @module
 */

import { type ComponentSpec, defaultRestart } from "../../lib/domain/component_spec.ts";
import { formatComplaint, formatKeyPath, type KeyPath } from "../../lib/domain/complaint.ts";
import { complaintsAbout, type ServiceSpec } from "../../lib/domain/service_spec.ts";
import { McpError } from "../../lib/errors.ts";
import type { Definition } from "./definition.ts";
import type { AgentsCopy } from "./definitions.ts";

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
 * which `mcp stop` and `mcp start` change.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { writeDefinition } from "./write_definition.ts";
 *
 * const component = { name: "api", image: "registry.example/mcr:v1", network: "", user: "" };
 * const rest = { restart: "unless-stopped", ports: ["80:8080"], volumes: [], cmd: [] };
 * strictEqual(
 *   writeDefinition({
 *     nodeName: "rift",
 *     spec: { name: "mcr", active: true, components: [{ ...component, ...rest }] },
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
export function writeDefinition({ nodeName, spec }: Definition): string {
  const head = [
    `name = ${quote(spec.name)}`,
    `node = ${quote(nodeName)}`,
    `active = ${spec.active}`,
  ];
  return [head, ...spec.components.map(componentLines)]
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n");
}

function componentLines(component: ComponentSpec): string[] {
  const text = (key: "network" | "user") =>
    component[key] === "" ? [] : [`${key} = ${quote(component[key])}`];
  const list = (key: "ports" | "volumes" | "cmd") =>
    component[key].length === 0 ? [] : [`${key} = [${component[key].map(quote).join(", ")}]`];
  return [
    "[[components]]",
    `name = ${quote(component.name)}`,
    `image = ${quote(component.image)}`,
    ...text("network"),
    ...text("user"),
    ...(component.restart === defaultRestart ? [] : [`restart = ${quote(component.restart)}`]),
    ...list("ports"),
    ...list("volumes"),
    ...list("cmd"),
  ];
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
export interface Difference {
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
    const [here, there] = [toToml(one), toToml(other)];
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
    for (const key of Object.keys(there) as (keyof ComponentSpec)[]) {
      compare([...path, key], here[key], there[key]);
    }
  }
  if (differences.length === 0) compare(["components"], names(mine.spec), names(theirs.spec));
  return differences;
}

function componentNamed(spec: ServiceSpec, name: string): ComponentSpec | undefined {
  return spec.components.find((component) => component.name === name);
}

function toToml(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return `[${value.map((each) => quote(String(each))).join(", ")}]`;
  return typeof value === "boolean" ? String(value) : quote(String(value));
}
