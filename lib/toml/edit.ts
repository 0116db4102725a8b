/**
 * Edits of files that people wrote: comments, order and quoting survive.
 *
 * @module
 */

import { parse, patch, stringify } from "@decimalturn/toml-patch";
import { isDeepStrictEqual } from "node:util";
import { McpError } from "../errors.ts";

/** The text with its values changed in place; everything untouched stays as it was written. */
export function editToml(
  text: string,
  change: (value: Record<string, unknown>) => Record<string, unknown>,
): string {
  const value = parse(text, { integersAsBigInt: false }) as Record<string, unknown>;
  const patched = patch(text, change(structuredClone(value)));
  const kept = withLinesOf(text, patched);
  return isToml(kept) && isDeepStrictEqual(parse(kept), parse(patched)) ? kept : patched;
}

/**
 * The edited text with the lines before and behind the edit as they were.
 *
 * The library writes all lines anew: tabs come out as spaces, blanks at the
 * ends of lines are gone, and comments are moved (seen with version 3.3).
 */
function withLinesOf(text: string, edited: string): string {
  const before = text.split("\n");
  const after = edited.split("\n");
  const head = linesInCommon(before, after);
  const tail = linesInCommon(
    before.slice(head.before).reverse(),
    after.slice(head.after).reverse(),
  );
  return [
    ...before.slice(0, head.before),
    ...after.slice(head.after, after.length - tail.after),
    ...before.slice(before.length - tail.before),
  ].join("\n");
}

/** Whether the library wrote this line when it read that; the comment behind an empty list it loses. */
function isSameLine(before: string, after: string): boolean {
  const [read, written] = [before.replace(/\s+/g, ""), after.replace(/\s+/g, "")];
  return read === written || (read.startsWith(`${written}#`) && written.endsWith("[]"));
}

/** How many lines both texts begin with, in either's count, when blanks make no difference. */
function linesInCommon(before: readonly string[], after: readonly string[]) {
  let [here, there] = [0, 0];
  for (;;) {
    const [next, thereNext] = [pastBlanks(before, here), pastBlanks(after, there)];
    if (next === before.length && thereNext === after.length) break;
    if (!isSameLine(before[next] ?? "", after[thereNext] ?? "")) {
      const blanks = Math.min(next - here, thereNext - there);
      return { before: here + blanks, after: there + blanks };
    }
    [here, there] = [next + 1, thereNext + 1];
  }
  return { before: before.length, after: after.length };
}

function pastBlanks(lines: readonly string[], from: number): number {
  let at = from;
  while (lines[at]?.trim() === "") at++;
  return at;
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
