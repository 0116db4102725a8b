/**
 * TOML text to plain values, remembering on which line each value stands.
 *
 * The only importer of the TOML library besides `edit.ts`.
 *
 * @module
 */

import { parseDocument } from "@decimalturn/toml-patch";
import type { KeyPath } from "../domain/complaint.ts";
import { McpError } from "../errors.ts";

/** A parsed file. */
export interface TomlFile {
  /** Name as the operator knows the file; used in complaints. */
  readonly file: string;
  /** Plain values; decode them before use. */
  readonly value: unknown;
  /**
   * Line (from 1) of a key path, or of its nearest ancestor that is written
   * in the file; 1 when there is none.
   */
  lineOf(path: KeyPath): number;
}

/** The parts of the library's syntax tree that are read here. */
interface Node {
  readonly type: string;
  readonly loc: { readonly start: { readonly line: number } };
  readonly key?: { readonly value?: readonly string[]; readonly item?: Node };
  readonly value?: unknown;
  readonly item?: Node;
  readonly items?: readonly Node[];
}

/**
 * Parses the text of one file.
 *
 * @throws {McpError} `invalid`, with file and line, when the text is not TOML.
 */
export function parseToml(text: string, file: string): TomlFile {
  let document;
  let value: unknown;
  try {
    document = parseDocument(text, { integersAsBigInt: false });
    // Only here does the library look for keys and tables that are written twice.
    value = document.toJsObject;
  } catch (error) {
    throw new McpError("invalid", `Cannot read ${file}: it is not TOML`, {
      details: [`${file}:${syntaxError(error)}`],
    });
  }
  const lines = linesOf(document.cst as readonly Node[]);
  return {
    file,
    value,
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const line = lines.get(pathKey(path.slice(0, length)));
        if (line !== undefined) return line;
      }
      return 1;
    },
  };
}

/**
 * "LINE: what is wrong", from the library's several-line message
 * (`Error parsing TOML (2, 1):`, the source line, a caret, the reason, in
 * version 3.3 with "undefined" behind what it says of a key that is written twice).
 */
function syntaxError(error: unknown): string {
  if (!(error instanceof Error)) return `1: ${String(error)}`;
  const line = (error as { line?: unknown }).line;
  const reason = error.message.split("\n").at(-1) ?? error.message;
  return `${typeof line === "number" ? line : 1}: ${reason.replace(/ undefined$/, "")}`;
}

function pathKey(path: KeyPath): string {
  return JSON.stringify(path);
}

function linesOf(blocks: readonly Node[]): Map<string, number> {
  const lines = new Map<string, number>();
  const arrayLengths = new Map<string, number>();

  const note = (path: KeyPath, node: Node) => {
    const key = pathKey(path);
    if (!lines.has(key)) lines.set(key, node.loc.start.line);
  };

  const visitValue = (path: KeyPath, node: Node) => {
    note(path, node);
    if (node.type === "InlineArray") {
      node.items?.forEach((item, at) => item.item && visitValue([...path, at], item.item));
    } else if (node.type === "InlineTable") {
      node.items?.forEach((item) => item.item && visitPair(path, item.item));
    }
  };

  const visitPair = (base: KeyPath, node: Node) => {
    if (node.type !== "KeyValue") return;
    const path = [...base, ...(node.key?.value ?? [])];
    note(path, node);
    visitValue(path, node.value as Node);
  };

  /** The path of a table header, with each array of tables on the way at its last element. */
  const resolve = (names: readonly string[]): (string | number)[] => {
    const path: (string | number)[] = [];
    for (const name of names) {
      path.push(name);
      const length = arrayLengths.get(pathKey(path));
      if (length !== undefined) path.push(length - 1);
    }
    return path;
  };

  for (const block of blocks) {
    if (block.type === "KeyValue") {
      visitPair([], block);
    } else if (block.type === "Table" || block.type === "TableArray") {
      const names = block.key?.item?.value as readonly string[] | undefined ?? [];
      let path: (string | number)[];
      if (block.type === "TableArray") {
        path = [...resolve(names.slice(0, -1)), names.at(-1) ?? ""];
        note(path, block);
        const at = arrayLengths.get(pathKey(path)) ?? 0;
        arrayLengths.set(pathKey(path), at + 1);
        path.push(at);
      } else {
        path = resolve(names);
      }
      note(path, block);
      block.items?.forEach((item) => visitPair(path, item));
    }
  }
  return lines;
}
