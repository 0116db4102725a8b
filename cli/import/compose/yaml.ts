/**
 * YAML 1.2 to plain values that know where they stand, with aliases and merge keys resolved.
 *
 * The only importer of the YAML library. What an alias stands for is shared and never copied, and
 * a document that would be too large with every alias written out is refused before anybody walks it.
 *
 * @module
 */

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from "yaml";
import { McpError } from "../../../lib/errors.ts";
import { maxSourceBytes } from "../sources.ts";

/** Where something stands. */
export interface Position {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** One value of a document. */
export type Value = ScalarValue | ListValue | MapValue;

/** A text, a number, true, false or null. */
export interface ScalarValue {
  readonly kind: "scalar";
  readonly at: Position;
  readonly value: string | number | boolean | null;
  /** As it was written, when it is no text. */
  readonly written: string;
}

/** Values in their order. */
interface ListValue {
  readonly kind: "list";
  readonly at: Position;
  readonly items: readonly Value[];
}

/** Values by key. */
export interface MapValue {
  readonly kind: "map";
  readonly at: Position;
  readonly entries: ReadonlyMap<string, Entry>;
}

/** A key and its value. */
export interface Entry {
  /** Of the key. */
  readonly at: Position;
  readonly value: Value;
}

/** With every alias written out. */
const maxNodes = 50_000;
const maxCharacters = 4 * 1024 * 1024;
const maxDepth = 60;

/**
 * Parses one document.
 *
 * @throws {McpError} `invalid`, each mistake with its line.
 */
export function parseYaml(text: string, file: string): Value {
  if (text.length > maxSourceBytes) {
    throw new McpError(
      "invalid",
      `Cannot import ${file}: it has more than ${maxSourceBytes} characters`,
    );
  }
  const lines = new LineCounter();
  const documents = parsed(text, file, lines);
  const [document, ...others] = documents;
  if (document === undefined || document.contents === null) return nothing(file);
  if (others.length > 0) {
    throw refused(file, [
      `${file}:${lines.linePos(others[0]?.range[0] ?? 0).line}: a second document begins here`,
    ], "Import one document at a time");
  }
  const errors = document.errors.map(({ pos, message }) =>
    `${file}:${lines.linePos(pos[0]).line}: ${/call stack/.test(message) ? tooDeep : message}`
  );
  if (errors.length > 0) throw refused(file, errors);
  const converter = new Converter(file, lines, document);
  const value = converter.convert(document.contents, 0);
  if (converter.mistakes.length > 0) throw refused(file, converter.mistakes);
  return value;
}

function parsed(text: string, file: string, lineCounter: LineCounter): Document.Parsed[] {
  try {
    const documents = parseAllDocuments(text, {
      version: "1.2",
      lineCounter,
      // Told by us, in time that does not grow with the square of the keys.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "error",
    });
    return Array.isArray(documents) ? documents : [];
  } catch (error) {
    // The library collects what is wrong; only a nesting of thousands ends its stack.
    if (error instanceof RangeError) throw refused(file, [`${file}:1: ${tooDeep}`]);
    throw new McpError("internal", `Cannot read ${file}`, { cause: error });
  }
}

const tooDeep = `it is nested deeper than ${maxDepth} levels`;

function nothing(file: string): ScalarValue {
  return { kind: "scalar", at: { file, line: 1 }, value: null, written: "" };
}

function refused(file: string, details: readonly string[], hint?: string): McpError {
  const shown = details.slice(0, 20);
  return new McpError("invalid", `Cannot read ${file}: it is not YAML that can be imported`, {
    details: details.length > shown.length
      ? [...shown, `and ${details.length - shown.length} more`]
      : shown,
    hint,
  });
}

/** How large a value is with its aliases written out. */
interface Weight {
  readonly nodes: number;
  readonly characters: number;
}

class Converter {
  readonly mistakes: string[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #document: Document.Parsed;
  /** The values of anchors that have ended; one that refers to itself has not. */
  readonly #anchors = new Map<string, Value>();
  readonly #weights = new WeakMap<Value, Weight>();

  constructor(file: string, lines: LineCounter, document: Document.Parsed) {
    this.#file = file;
    this.#lines = lines;
    this.#document = document;
  }

  convert(node: Node | null | undefined, depth: number): Value {
    if (depth > maxDepth) this.#refuse(node, tooDeep);
    const value = this.#converted(node, depth);
    // After its inside: aliases in it mean an anchor of the same name that stands before.
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, value);
    return value;
  }

  #converted(node: Node | null | undefined, depth: number): Value {
    const at = this.#positionOf(node);
    if (node === null || node === undefined) {
      return this.#weighed({ kind: "scalar", at, value: null, written: "" }, []);
    }
    if (isAlias(node)) {
      const value = this.#anchors.get(node.source);
      if (value !== undefined) return value;
      this.#refuse(node, `there is no anchor &${node.source} before *${node.source}`);
    }
    if (node.tag !== undefined && !node.tag.startsWith("tag:yaml.org,2002:")) {
      this.mistakes.push(`${this.#file}:${at.line}: the tag ${node.tag} is not known here`);
    }
    if (isScalar(node)) return this.#scalar(node, at);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.convert(item as Node, depth + 1));
      return this.#weighed({ kind: "list", at, items }, items);
    }
    if (isMap(node)) return this.#map(node, at, depth);
    return this.#refuse(node, "this is neither a text, nor a list, nor a table");
  }

  #scalar(node: Scalar, at: Position): Value {
    const { value } = node;
    const written = node.source ?? String(value ?? "");
    // A number that JavaScript cannot hold stays as it is written: digits are part of a value.
    const isExact = typeof value === "number" && Number.isFinite(value) &&
      (Number.isSafeInteger(value) || !Number.isInteger(value));
    const kept = typeof value === "string" || isExact || typeof value === "boolean" ||
        value === null
      ? value
      : written;
    return this.#weighed({ kind: "scalar", at, value: kept, written }, []);
  }

  #map(node: YAMLMap, at: Position, depth: number): Value {
    const entries = new Map<string, Entry>();
    const merged: MapValue[] = [];
    for (const pair of node.items) {
      const { key } = pair as { key: unknown };
      if (!isScalar(key)) {
        this.mistakes.push(`${this.#file}:${at.line}: a key must be a text`);
        continue;
      }
      const keyAt = this.#positionOf(key);
      const value = this.convert(pair.value as Node | null, depth + 1);
      if (key.value === "<<" && key.type === "PLAIN") {
        merged.push(...this.#mergeSources(value, keyAt));
        continue;
      }
      const name = typeof key.value === "string" ? key.value : key.source ?? String(key.value);
      const first = entries.get(name);
      if (first !== undefined) {
        this.mistakes.push(
          `${this.#file}:${keyAt.line}: ${JSON.stringify(name.slice(0, 80))} stands here again, ` +
            `after line ${first.at.line}`,
        );
      }
      entries.set(name, { at: keyAt, value });
    }
    // What stands in the table itself wins, then what was merged first.
    for (const source of merged) {
      for (const [name, entry] of source.entries) {
        if (!entries.has(name)) entries.set(name, entry);
      }
    }
    return this.#weighed(
      { kind: "map", at, entries },
      [...entries.values()].map(({ value }) => value),
      [...entries.keys()].reduce((sum, name) => sum + name.length, 0),
    );
  }

  /** What `<<` merges: a table, or several in a list. */
  #mergeSources(value: Value, at: Position): readonly MapValue[] {
    const sources = value.kind === "list" ? value.items : [value];
    const maps = sources.filter((source) => source.kind === "map");
    if (maps.length < sources.length) {
      this.mistakes.push(`${this.#file}:${at.line}: << must be followed by tables`);
    }
    return maps;
  }

  /** Refuses at once what has become too large: the next level would be larger still. */
  #weighed<Of extends Value>(value: Of, parts: readonly Value[], keyCharacters = 0): Of {
    let nodes = 1;
    let characters = keyCharacters;
    if (value.kind === "scalar") characters += value.written.length;
    for (const part of parts) {
      const weight = this.#weights.get(part);
      nodes += weight?.nodes ?? 1;
      characters += weight?.characters ?? 0;
    }
    if (nodes > maxNodes || characters > maxCharacters) {
      this.#refuseAt(
        value.at.line,
        `with every alias written out, this has more than ${maxNodes} values or ` +
          `${maxCharacters} characters`,
      );
    }
    this.#weights.set(value, { nodes, characters });
    return value;
  }

  #positionOf(node: Node | null | undefined): Position {
    const offset = node?.range?.[0] ?? this.#document.range[0];
    return { file: this.#file, line: this.#lines.linePos(offset).line || 1 };
  }

  #refuse(node: Node | null | undefined, why: string): never {
    this.#refuseAt(this.#positionOf(node).line, why);
  }

  #refuseAt(line: number, why: string): never {
    throw refused(this.#file, [`${this.#file}:${line}: ${why}`]);
  }
}
