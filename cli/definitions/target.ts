/**
 * What can be deployed of a definition.
 *
 * @module
 */

import { nearest } from "../../lib/domain/nearest.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import { McpError } from "../../lib/errors.ts";

/** @throws {McpError} `conflict` when the service is to be stopped. */
export function requireActive({ name, active }: ServiceSpec): void {
  if (active) return;
  throw new McpError("conflict", `Cannot deploy "${name}": it is inactive`, {
    hint: `Run \`mcp start ${name}\` or set \`active = true\` in its definition`,
  });
}

/**
 * @param command The one that was run, e.g. "deploy", for the hint.
 * @throws {McpError} `not_found` with the component that was probably meant.
 */
export function requireComponent(
  { name, components }: ServiceSpec,
  component: string,
  command: string,
): void {
  const known = components.map((each) => each.name);
  if (known.includes(component)) return;
  const close = nearest(component, known);
  throw new McpError("not_found", `Service "${name}" has no component "${component}"`, {
    hint: close === undefined
      ? `Its components are ${known.join(", ")}`
      : `Did you mean \`mcp ${command} ${name}/${close}\`? Its components are ${known.join(", ")}`,
  });
}
