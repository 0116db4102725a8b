/**
 * A component's spec as the registry stores it: JSON that any earlier version may have written.
 *
 * @module
 */

import * as z from "zod";
import {
  type FieldName,
  fieldNames,
  type FieldType,
  firstFields,
  isDefault,
  rowOf,
} from "../../lib/domain/component_fields.ts";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";

const texts = z.array(z.string());
const port = z.int();
const probe = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.enum(["http", "https"]), port, path: z.string() }),
  z.strictObject({ kind: z.literal("tcp"), port }),
  z.strictObject({ kind: z.literal("exec"), command: texts }),
]);
const healthCheck = z.strictObject({
  probe,
  intervalMs: z.number(),
  timeoutMs: z.number(),
  retries: z.int(),
  startPeriodMs: z.number(),
});
const secret = z.strictObject({
  name: z.string(),
  target: z.string(),
  mode: z.int(),
  uid: z.int(),
  gid: z.int(),
});

/** How a value of each type is stored. */
const schemas: Readonly<Record<FieldType, z.ZodType>> = {
  text: z.string(),
  memory: z.string(),
  words: texts,
  set: texts,
  table: z.record(z.string(), z.string()),
  flag: z.boolean(),
  number: z.number(),
  count: z.int(),
  duration: z.number(),
  choice: z.string(),
  secrets: z.array(secret),
  healthcheck: healthCheck,
};

function schemaOf(field: FieldName): z.ZodType {
  const { type, of } = rowOf(field);
  if (of === undefined) return schemas[type];
  return type === "choice" ? z.enum(of) : z.array(z.enum(of));
}

function shapeOf(fields: readonly FieldName[]) {
  return Object.fromEntries(fields.map((field) => [field, schemaOf(field)]));
}

/** The part of a spec that has columns of its own. */
type BaseSpec = Pick<ComponentSpec, (typeof firstFields)[number]>;

/** What has come after the first version: a spec that was stored before lacks it. */
const optionFields = fieldNames.filter((field) => !firstFields.some((first) => first === field));
const storedOptions = z.strictObject(shapeOf(optionFields)).partial();
const storedSpec = z.strictObject({ ...shapeOf(firstFields), ...storedOptions.shape });

/** A whole spec as JSON. */
export function storeSpec(spec: ComponentSpec): string {
  return JSON.stringify(spec);
}

/** Texts whose specs are kept: of a thousand components, what is declared and what is deployed. */
const mostKept = 2_048;

/** Decodes each text once: specs are read at every look, and hardly ever change. */
function decodedOnce<T>(decode: (json: string) => T): (json: string) => T {
  const kept = new Map<string, T>();
  return (json) => {
    const known = kept.get(json);
    if (known !== undefined) return known;
    const decoded = decode(json);
    for (const oldest of kept.keys()) {
      if (kept.size < mostKept) break;
      kept.delete(oldest);
    }
    kept.set(json, decoded);
    return decoded;
  };
}

/** A whole spec from JSON. */
export const readSpec = decodedOnce((json): ComponentSpec => {
  const stored = storedSpec.parse(JSON.parse(json));
  return { ...componentDefaults, ...stored as unknown as BaseSpec & Partial<ComponentSpec> };
});

const parseOptions = decodedOnce((json) =>
  storedOptions.parse(JSON.parse(json)) as Partial<ComponentSpec>
);

/** What has no column of its own, as JSON; what has its default is left out. */
export function storeOptions(spec: ComponentSpec): string {
  const stored = optionFields.filter((field) => !isDefault(field, spec[field]));
  return JSON.stringify(Object.fromEntries(stored.map((field) => [field, spec[field]])));
}

/** A spec from its columns and the rest. */
export function readOptions(base: BaseSpec, json: string): ComponentSpec {
  return { ...componentDefaults, ...base, ...parseOptions(json) };
}
