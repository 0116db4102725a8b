/**
 * Flipping `active` in a definition the operator wrote; comments and order survive.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
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
  const lines = text.split("\n");
  const wanted = { ...(value as object), active };
  const isRight = (edited: string) => isDeepStrictEqual(valueOf(edited), wanted);
  if (current !== undefined) {
    const at = lineOf(["active"]) - 1;
    const line = lines[at] ?? "";
    const edited = lines.with(at, line.replace(/(=\s*)(true|false)/, `$1${active}`)).join("\n");
    return isRight(edited) ? edited : editToml(text, (document) => ({ ...document, active }));
  }
  const at = lineOf(["node"]);
  const withLine = (index: number) => lines.toSpliced(index, 0, `active = ${active}`).join("\n");
  // A node that is written over several lines would have the new one in its middle.
  return isRight(withLine(at)) ? withLine(at) : withLine(at - 1);
}

function valueOf(text: string): unknown {
  try {
    return parseToml(text, "the definition").value;
  } catch {
    // No TOML any more: the line fell into something that it broke.
    return undefined;
  }
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
