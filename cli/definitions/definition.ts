/**
 * A service definition file: TOML to a spec that makes sense.
 *
 * All mistakes of a file are told at once. The shape is checked by a schema and
 * the sense by `lib/domain`, on whatever parts of the file have the right type;
 * what the schema complains about is not complained about a second time.
 *
 * Nothing else is read here: which files and commands a definition speaks of is part of it, and what
 * they say is for `env_files.ts` and `secret_values.ts`.
 *
 * @module
 */

import * as z from "zod";
import type { Complaint, KeyPath } from "../../lib/domain/complaint.ts";
import {
  type FieldName,
  fieldNames,
  type FieldType,
  keyOf,
  rowOf,
} from "../../lib/domain/component_fields.ts";
import {
  componentDefaults,
  type ComponentSpec,
  restartWhenUnwritten,
} from "../../lib/domain/component_spec.ts";
import { type HealthCheck, healthCheckDefaults } from "../../lib/domain/health_check.ts";
import { parsePort } from "../../lib/domain/mappings.ts";
import { nearest } from "../../lib/domain/nearest.ts";
import {
  defaultSecretMode,
  defaultSecretTarget,
  type SecretMount,
} from "../../lib/domain/secret_mount.ts";
import { complaintsAbout, type ServiceSpec } from "../../lib/domain/service_spec.ts";
import { complaintsOf, durationMs, refusal } from "../../lib/toml/decode.ts";
import { parseToml, type TomlFile } from "../../lib/toml/parse.ts";
import { complaintsAboutSources, type PlacedSecret, type Sources } from "./sources.ts";

/** A definition, apart. */
export interface Definition {
  /** Name of the node the service runs on. */
  readonly nodeName: string;
  /** Without the variables of its `env_file`s. */
  readonly spec: ServiceSpec;
  readonly sources?: Sources;
}

/** What a definition must agree with. */
interface Expectations {
  /** The only name it may have. */
  readonly service: string;
  /** Who says so, e.g. "as the file is called". */
  readonly because: string;
  /** Nodes that the config knows; any node will do when undefined. */
  readonly nodeNames: readonly string[] | undefined;
}

const healthCheckSchema = z.strictObject({
  http: z.string().optional(),
  https: z.string().optional(),
  tcp: z.int().optional(),
  exec: z.array(z.string()).optional(),
  port: z.int().optional(),
  interval: durationMs().optional(),
  timeout: durationMs().optional(),
  retries: z.int().optional(),
  start_period: durationMs().optional(),
});
const mode = () =>
  z.string().regex(/^0?(?!000)[0-7]{3}$/, { error: 'permission bits like "0400"' })
    .transform((text) => Number.parseInt(text, 8));
const secretSchema = z.strictObject({
  name: z.string(),
  file: z.string().min(1).optional(),
  command: z.array(z.string()).min(1).optional(),
  target: z.string().optional(),
  mode: mode().optional(),
  uid: z.int().optional(),
  gid: z.int().optional(),
});
/** How a value of each type is written. */
const schemas: Readonly<Record<FieldType, z.ZodType>> = {
  text: z.string(),
  memory: z.string(),
  words: z.array(z.string()),
  set: z.array(z.string()),
  table: z.record(z.string(), z.string()),
  flag: z.boolean(),
  number: z.number(),
  count: z.int(),
  duration: durationMs(),
  choice: z.string(),
  secrets: z.array(secretSchema),
  healthcheck: healthCheckSchema,
};

function schemaOf(field: FieldName): z.ZodType {
  const { type, of } = rowOf(field);
  if (of === undefined) return schemas[type];
  return type === "choice" ? z.enum(of) : z.array(z.enum(of));
}

const componentSchema = z.strictObject({
  // What is typed below has its place here, too: it is the order in which known keys are told.
  ...Object.fromEntries(fieldNames.map((field) => [keyOf(field), schemaOf(field).optional()])) as {
    readonly ports: z.ZodOptional<z.ZodType<string[]>>;
  },
  name: z.string(),
  image: z.string(),
  env_file: z.union([z.string(), z.array(z.string())], {
    error: "the name of a file, or a list of them",
  }).optional(),
  secrets: z.array(secretSchema).optional(),
  healthcheck: healthCheckSchema.optional(),
});
type WrittenComponent = z.output<typeof componentSchema>;
/** The shape of a definition; every key is in `deploy/examples/services/shop.toml`. */
export const definitionSchema = z.strictObject({
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
  const shape = complaintsOf(definitionSchema, toml.value);
  const lenient = lenientSpec(toml.value);
  const sense = [
    ...complaintsAbout(lenient),
    ...complaintsAboutSources(writtenSecrets(toml.value)),
    ...disagreements(lenient.name, textOf(toml.value, "node"), expectations),
  ].filter(({ path }) => !shape.some((complaint) => isWithin(path, complaint.path)));
  const complaints = [...shape, ...sense];
  if (complaints.length > 0) throw refusal(toml, "the definition", complaints);

  const { node, components, ...service } = definitionSchema.parse(toml.value);
  const sources = sourcesOf(components, toml);
  return {
    nodeName: node,
    spec: { ...service, components: components.map(toSpec) },
    ...(sources === undefined ? {} : { sources }),
  };
}

/** Where the rest is to be read; undefined when the definition says it all. */
function sourcesOf(
  components: readonly WrittenComponent[],
  toml: TomlFile,
): Sources | undefined {
  const envFiles = components.flatMap(({ name, env_file: files = [] }, at) =>
    [files].flat().map((path, place) => ({
      component: name,
      path,
      line: toml.lineOf(["components", at, "env_file", place]),
    }))
  );
  const secrets = components.flatMap(({ name: component, secrets = [] }, at) =>
    secrets.map(({ name, file, command }, place) => ({
      component,
      name,
      from: command !== undefined ? { command } : file !== undefined ? { file } : undefined,
      line: toml.lineOf(["components", at, "secrets", place]),
    }))
  );
  if (envFiles.length === 0 && secrets.length === 0) return undefined;
  return { file: toml.file, envFiles, secrets };
}

/** What is written, and the defaults of what is not. */
function toSpec(written: WrittenComponent): ComponentSpec {
  const values: Readonly<Record<string, unknown>> = {
    ...written,
    secrets: written.secrets?.map(toSecretMount),
    healthcheck: written.healthcheck && toHealthCheck(written.healthcheck, written.ports ?? []),
  };
  const said = fieldNames.map((field) => [field, values[keyOf(field)]])
    .filter(([_, value]) => value !== undefined);
  const spec: ComponentSpec = { ...componentDefaults, ...Object.fromEntries(said) };
  return values["restart"] === undefined
    ? { ...spec, restart: restartWhenUnwritten(spec.kind) }
    : spec;
}

function toSecretMount(
  { name, target, mode, uid, gid }: z.output<typeof secretSchema>,
): SecretMount {
  return {
    name,
    target: target ?? defaultSecretTarget(name),
    mode: mode ?? defaultSecretMode,
    uid: uid ?? 0,
    gid: gid ?? 0,
  };
}

/** The secrets of all components that have the right type, at their places. */
function writtenSecrets(value: unknown): PlacedSecret[] {
  const components = fieldOf(value, "components");
  if (!Array.isArray(components)) return [];
  return components.flatMap((component, at) => {
    const secrets = fieldOf(component, "secrets");
    if (!Array.isArray(secrets)) return [];
    return secrets.flatMap((secret, place) => {
      const written = secretSchema.safeParse(secret);
      return written.success
        ? [{ ...written.data, path: ["components", at, "secrets", place] }]
        : [];
    });
  });
}

type WrittenHealthCheck = NonNullable<WrittenComponent["healthcheck"]>;

/** Where no port is written, the only one that is published is meant. */
function toHealthCheck(written: WrittenHealthCheck, ports: readonly string[]): HealthCheck {
  const { http, https, tcp, exec, port } = written;
  const only = ports.length === 1 ? parsePort(ports[0] ?? "")?.containerPort : undefined;
  const httpPort = port ?? only ?? 0;
  return {
    probe: exec !== undefined
      ? { kind: "exec", command: exec }
      : tcp !== undefined
      ? { kind: "tcp", port: tcp }
      : https !== undefined
      ? { kind: "https", port: httpPort, path: https }
      : { kind: "http", port: httpPort, path: http ?? "" },
    intervalMs: written.interval ?? healthCheckDefaults.intervalMs,
    timeoutMs: written.timeout ?? healthCheckDefaults.timeoutMs,
    retries: written.retries ?? healthCheckDefaults.retries,
    startPeriodMs: written.start_period ?? healthCheckDefaults.startPeriodMs,
  };
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
  // One by one: what is wrong with one key does not hide what is wrong with another.
  const shape: Readonly<Record<string, z.ZodType>> = componentSchema.shape;
  const written = Object.entries(shape).map(([key, schema]) => {
    const field = schema.safeParse(fieldOf(value, key));
    return [key, field.success ? field.data : undefined];
  });
  return toSpec({
    ...Object.fromEntries(written),
    name: textOf(value, "name"),
    image: textOf(value, "image"),
    ports: textsOf(value, "ports"),
    volumes: textsOf(value, "volumes"),
    cmd: textsOf(value, "cmd"),
  });
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
