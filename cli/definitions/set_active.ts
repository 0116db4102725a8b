/**
 * Flipping `active` in a definition the operator wrote; comments and order survive.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import type { Files } from "../../lib/system/files.ts";
import { editToml } from "../../lib/toml/edit.ts";
import { parseToml } from "../../lib/toml/parse.ts";

/**
 * The definition with `active` set.
 *
 * A missing key is added as a line of its own below `node`, where the operator
 * would look for it; the document editor would put it below the comments that
 * belong to the first component.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { setActive } from "./set_active.ts";
 *
 * strictEqual(
 *   setActive('name = "mcr"\nnode = "rift" # the big one\n', false),
 *   'name = "mcr"\nnode = "rift" # the big one\nactive = false\n',
 * );
 * ```
 */
export function setActive(text: string, active: boolean): string {
  const { value, lineOf } = parseToml(text, "the definition");
  const current = (value as Record<string, unknown>)["active"];
  // Left out means true.
  if ((current ?? true) === active) return text;
  if (current !== undefined) return editToml(text, (document) => ({ ...document, active }));
  const lines = text.split("\n");
  lines.splice(lineOf(["node"]), 0, `active = ${active}`);
  return lines.join("\n");
}

/** Writes `active` into a definition file, keeping its mode; whether that changed it. */
export async function writeActive(
  files: Files,
  file: string,
  active: boolean,
): Promise<boolean> {
  const text = await files.readText(file);
  if (text === undefined) throw new McpError("not_found", `There is no file ${file}`);
  const changed = setActive(text, active);
  if (changed === text) return false;
  await files.writeText(file, changed, { mode: await files.mode(file) ?? 0o644 });
  return true;
}
