/**
 * A service definition file: TOML to a spec that makes sense.
 *
 * All mistakes of a file are told at once. The shape is checked by a schema and
 * the sense by `lib/domain`, on whatever parts of the file have the right type;
 * what the schema complains about is not complained about a second time.
 *
 * @module
 */

import { z } from "zod";
import type { Complaint, KeyPath } from "../../lib/domain/complaint.ts";
import { type ComponentSpec, defaultRestart } from "../../lib/domain/component_spec.ts";
import { nearest } from "../../lib/domain/nearest.ts";
import { complaintsAbout, type ServiceSpec } from "../../lib/domain/service_spec.ts";
import { complaintsOf, refusal } from "../../lib/toml/decode.ts";
import { parseToml } from "../../lib/toml/parse.ts";

/** A definition, apart. */
export interface Definition {
  /** Name of the node the service runs on. */
  readonly nodeName: string;
  readonly spec: ServiceSpec;
}

/** What a definition must agree with. */
export interface Expectations {
  /** The only name it may have. */
  readonly service: string;
  /** Who says so, e.g. "as the file is called". */
  readonly because: string;
  /** Nodes that the config knows; any node will do when undefined. */
  readonly nodeNames: readonly string[] | undefined;
}

const componentSchema = z.strictObject({
  name: z.string(),
  image: z.string(),
  network: z.string().default(""),
  user: z.string().default(""),
  restart: z.string().default(defaultRestart),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  cmd: z.array(z.string()).default([]),
});
const schema = z.strictObject({
  name: z.string(),
  node: z.string(),
  active: z.boolean().default(true),
  components: z.array(componentSchema),
});

/**
 * Parses the text of a definition.
 *
 * @param file Name for complaints.
 * @throws {McpError} `invalid`, one detail per mistake.
 */
export function parseDefinition(
  text: string,
  file: string,
  expectations: Expectations,
): Definition {
  const toml = parseToml(text, file);
  const shape = complaintsOf(schema, toml.value);
  const lenient = lenientSpec(toml.value);
  const sense = [
    ...complaintsAbout(lenient),
    ...disagreements(lenient.name, textOf(toml.value, "node"), expectations),
  ].filter(({ path }) => !shape.some((complaint) => isWithin(path, complaint.path)));
  const complaints = [...shape, ...sense];
  if (complaints.length > 0) throw refusal(toml, "the definition", complaints);

  const { node, ...spec } = schema.parse(toml.value);
  return { nodeName: node, spec };
}

function disagreements(
  name: string,
  nodeName: string,
  { service, because, nodeNames }: Expectations,
): Complaint[] {
  const complaints: Complaint[] = [];
  if (name !== service) {
    complaints.push({
      path: ["name"],
      expected: `${JSON.stringify(service)}, ${because}`,
      found: JSON.stringify(name),
    });
  }
  if (nodeNames !== undefined && !nodeNames.includes(nodeName)) {
    const close = nearest(nodeName, nodeNames);
    complaints.push({
      path: ["node"],
      expected: nodeNames.length === 0
        ? "a node, but the config has none"
        : `a node of the config (${nodeNames.join(", ")})`,
      found: JSON.stringify(nodeName),
      hint: close === undefined ? undefined : `did you mean ${JSON.stringify(close)}?`,
    });
  }
  return complaints;
}

/** Whether a path is another one, or leads further down from it. */
function isWithin(path: KeyPath, other: KeyPath): boolean {
  return other.every((key, at) => path[at] === key);
}

/**
 * The parts of the right type, at their own places; all others become empty.
 *
 * Every place that is emptied here has a complaint of the schema, which hides
 * what the domain says about the emptiness.
 */
function lenientSpec(value: unknown): ServiceSpec {
  const components = fieldOf(value, "components");
  return {
    name: textOf(value, "name"),
    active: true,
    components: Array.isArray(components) ? components.map(lenientComponent) : [],
  };
}

function lenientComponent(value: unknown): ComponentSpec {
  const restart = fieldOf(value, "restart");
  return {
    name: textOf(value, "name"),
    image: textOf(value, "image"),
    network: textOf(value, "network"),
    user: textOf(value, "user"),
    restart: restart === undefined ? defaultRestart : textOf(value, "restart"),
    ports: textsOf(value, "ports"),
    volumes: textsOf(value, "volumes"),
    cmd: textsOf(value, "cmd"),
  };
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function textOf(value: unknown, key: string): string {
  const field = fieldOf(value, key);
  return typeof field === "string" ? field : "";
}

function textsOf(value: unknown, key: string): string[] {
  const field = fieldOf(value, key);
  return Array.isArray(field)
    ? field.map((element) => typeof element === "string" ? element : "")
    : [];
}
