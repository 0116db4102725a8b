/**
 * Specs, for scripts.
 *
 * @module
 */

import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import { keyOfField, specFields } from "../../lib/domain/spec_keys.ts";
import type { Json, JsonObject } from "./json.ts";

/** There from the first version on, whatever they say. */
const always: ReadonlySet<keyof ComponentSpec> = new Set<keyof ComponentSpec>([
  "name",
  "image",
  "network",
  "user",
  "restart",
  "ports",
  "volumes",
  "cmd",
]);

/** A spec as `--json` prints it: the keys are those of a definition. */
export function specJson({ name, active, components }: ServiceSpec): JsonObject {
  return { name, active, components: components.map(componentJson) };
}

function componentJson(spec: ComponentSpec): JsonObject {
  const defaults: Partial<ComponentSpec> = componentDefaults;
  return Object.fromEntries(
    specFields
      .filter((field) =>
        always.has(field) || JSON.stringify(spec[field]) !== JSON.stringify(defaults[field])
      )
      // Every value of a spec is plain data.
      .map((field) => [keyOfField[field], (spec[field] ?? null) as Json]),
  );
}
