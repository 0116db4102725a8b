/**
 * Specs, for scripts.
 *
 * @module
 */

import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import type { JsonObject } from "./json.ts";

/** A spec as `--json` prints it: the keys are those of a definition. */
export function specJson({ name, active, components }: ServiceSpec): JsonObject {
  return { name, active, components: components.map((component) => ({ ...component })) };
}
