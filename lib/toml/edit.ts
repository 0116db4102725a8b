/**
 * Edits of files that people wrote: comments, order and quoting survive.
 *
 * @module
 */

import { parse, patch, stringify } from "@decimalturn/toml-patch";

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
 * library's own patch fails when the document has no such array yet.
 */
export function appendTable(text: string, name: string, table: Record<string, unknown>): string {
  const gap = text === "" ? "" : text.endsWith("\n") ? "\n" : "\n\n";
  return `${text}${gap}${stringify({ [name]: [table] })}`;
}

/** Plain values as a new TOML document. */
export function writeToml(value: Record<string, unknown>): string {
  return stringify(value);
}
