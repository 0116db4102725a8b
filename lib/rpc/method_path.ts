/**
 * What a method is called on the wire.
 *
 * Pure.
 *
 * @module
 */

import type { DescMethod } from "@bufbuild/protobuf";

/** The path of a method on the wire, e.g. "/mcp.v1.McpAgent/Deploy". */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
