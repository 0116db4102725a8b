/**
 * Specs, for scripts.
 *
 * @module
 */

import {
  type FieldName,
  fieldNames,
  firstFields,
  isDefault,
  keyOf,
} from "../../lib/domain/component_fields.ts";
import type { ComponentSpec } from "../../lib/domain/component_spec.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import type { Json, JsonObject } from "./json.ts";

const always: ReadonlySet<FieldName> = new Set(firstFields);

/** A spec as `--json` prints it: the keys are those of a definition. */
export function specJson({ name, active, components }: ServiceSpec): JsonObject {
  return { name, active, components: components.map(componentJson) };
}

function componentJson(spec: ComponentSpec): JsonObject {
  return Object.fromEntries(
    fieldNames
      .filter((field) => always.has(field) || !isDefault(field, spec[field]))
      // Every value of a spec is plain data.
      .map((field) => [keyOf(field), (spec[field] ?? null) as Json]),
  );
}
