/**
 * Adding and removing a `[[nodes]]` table, leaving the operator's comments alone.
 *
 * A node is removed by its lines, because lines that are not touched cannot
 * change. A config that writes its nodes in another way (`nodes = [{…}]`) is
 * edited as a document instead.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { appendTable, editToml } from "../../lib/toml/edit.ts";
import { parseToml } from "../../lib/toml/parse.ts";

/** A node as the config spells it. */
interface NodeEntry {
  readonly name: string;
  readonly address: string;
  /** Path of its CA, relative to the config; left out when undefined. */
  readonly caCert: string | undefined;
}

/** The config with one node more. */
export function addNode(text: string, { name, address, caCert }: NodeEntry): string {
  return appendTable(text, "nodes", {
    name,
    address,
    ...(caCert === undefined ? {} : { ca_cert: caCert }),
  });
}

/** The config without the node. */
export function removeNode(text: string, name: string): string {
  const all = nodesIn(text);
  const at = all.findIndex((node) => node["name"] === name);
  const nodes = all.filter((_, index) => index !== at);
  const shortened = withoutLinesOf(text, at, Object.keys(all[at] ?? {}));
  return hasNodes(shortened, nodes) ? shortened : editToml(text, (value) => ({ ...value, nodes }));
}

/** The text without the lines from a node's header to its last key, and one empty line after. */
function withoutLinesOf(text: string, at: number, keys: readonly string[]): string {
  const { lineOf } = parseToml(text, "the config");
  const first = lineOf(["nodes", at]);
  const last = Math.max(first, ...keys.map((key) => lineOf(["nodes", at, key])));
  const lines = text.split("\n");
  const before = lines.slice(0, first - 1);
  const after = lines.slice(last);
  if (after[0]?.trim() === "" && (before.length === 0 || before.at(-1)?.trim() === "")) {
    after.shift();
  }
  // Nothing may be left that separated the last table from the one before it.
  if (after.every((line) => line.trim() === "")) {
    while (before.at(-1)?.trim() === "") before.pop();
    return before.length === 0 ? "" : `${before.join("\n")}\n`;
  }
  return [...before, ...after].join("\n");
}

function nodesIn(text: string): Record<string, unknown>[] {
  const { nodes } = parseToml(text, "the config").value as { nodes?: Record<string, unknown>[] };
  return nodes ?? [];
}

/** Whether the text is TOML, and its nodes are these. */
function hasNodes(text: string, nodes: readonly unknown[]): boolean {
  try {
    return isDeepStrictEqual(nodesIn(text), nodes);
  } catch {
    // Not TOML any more: the edit was of no use.
    return false;
  }
}
