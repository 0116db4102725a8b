/**
 * Edits of files that people wrote: comments, order and quoting survive.
 *
 * @module
 */

import { parse, patch, stringify } from "@decimalturn/toml-patch";
import { McpError } from "../errors.ts";

/** The text with its values changed in place; everything untouched stays as it was written. */
export function editToml(
  text: string,
  change: (value: Record<string, unknown>) => Record<string, unknown>,
): string {
  const value = parse(text, { integersAsBigInt: false }) as Record<string, unknown>;
  return patch(text, change(structuredClone(value)));
}

/**
 * The text with one `[[name]]` table added at its end.
 *
 * Appending text is the edit that cannot disturb anything before it; the
 * library's own patch fails when the document has no such array yet. Only where
 * the list is written in one line (`nodes = []`) must it grow there.
 *
 * @throws {McpError} `invalid` when `name` is something else than a list of tables.
 */
export function appendTable(text: string, name: string, table: Record<string, unknown>): string {
  const list = parse(text)[name] ?? [];
  if (!Array.isArray(list)) {
    throw new McpError("invalid", `Cannot add to ${JSON.stringify(name)}: it is not a list`);
  }
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  const gap = text === "" ? "" : text.endsWith("\n") ? lineEnd : lineEnd + lineEnd;
  const added = stringify({ [name]: [table] }).replaceAll("\n", lineEnd);
  const appended = `${text}${gap}${added}`;
  return isToml(appended)
    ? appended
    : editToml(text, (value) => ({ ...value, [name]: [...list, table] }));
}

function isToml(text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Plain values as a new TOML document. */
export function writeToml(value: Record<string, unknown>): string {
  return stringify(value);
}
