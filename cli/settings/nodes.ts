/**
 * The node that the operator named.
 *
 * @module
 */

import { nearest } from "../../lib/domain/nearest.ts";
import { McpError } from "../../lib/errors.ts";
import type { Node } from "./config.ts";

/**
 * The node of that name.
 *
 * @throws {McpError} `not_found` with the name that was probably meant.
 */
export function requireNode(nodes: readonly Node[], name: string): Node {
  const node = nodes.find((candidate) => candidate.name === name);
  if (node !== undefined) return node;
  const names = nodes.map((candidate) => candidate.name);
  const close = nearest(name, names);
  throw new McpError("not_found", `There is no node "${name}" in the config`, {
    hint: close === undefined ? `The nodes are ${names.join(", ")}` : `Did you mean "${close}"?`,
  });
}
