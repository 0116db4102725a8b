/**
 * Unit files of systemd: sections, keys that may be repeated, lines that go on, quoted words.
 *
 * @module
 */

import type { Position } from "../compose/yaml.ts";

/** One line of a section. */
export interface Assignment {
  readonly section: string;
  readonly key: string;
  /** With continuations joined; empty resets what was said before. */
  readonly value: string;
  readonly at: Position;
}

/** A unit, apart. */
interface UnitFile {
  readonly assignments: readonly Assignment[];
  readonly mistakes: readonly { readonly at: Position; readonly what: string }[];
}

/** Takes the text of a unit apart. */
export function parseUnit(text: string, file: string): UnitFile {
  const assignments: Assignment[] = [];
  const mistakes: { at: Position; what: string }[] = [];
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  let section = "";
  for (let index = 0; index < lines.length; index++) {
    const at = { file, line: index + 1 };
    const parts = [lines[index] ?? ""];
    if (isComment(parts[0] ?? "")) continue;
    // A line that ends in a backslash goes on; comments between are left out.
    while (endsInBackslash(parts.at(-1) ?? "") && index + 1 < lines.length) {
      const next = lines[++index] ?? "";
      if (!isComment(next) || next.trim() === "") parts.push(next);
    }
    const line = parts.map((part) => part.replace(/\\\s*$/, " ")).join("").trim();
    if (line === "") continue;
    const header = /^\[([^\]\n]{1,100})\]$/.exec(line);
    if (header !== null) {
      section = header[1] ?? "";
      continue;
    }
    const equals = line.indexOf("=");
    const key = line.slice(0, Math.max(0, equals)).trim();
    if (equals < 1 || !/^[A-Za-z0-9_-]{1,100}$/.test(key)) {
      mistakes.push({ at, what: "expected [Section] or Key=value" });
    } else if (section === "") {
      mistakes.push({ at, what: "it stands before the first section" });
    } else {
      assignments.push({ section, key, value: line.slice(equals + 1).trim(), at });
    }
  }
  return { assignments, mistakes };
}

function isComment(line: string): boolean {
  const text = line.trimStart();
  return text === "" || text.startsWith("#") || text.startsWith(";");
}

function endsInBackslash(line: string): boolean {
  return /\\\s*$/.test(line);
}

/** What stands for a character behind a backslash. */
const escapes: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  s: " ",
};

/**
 * The words of a value, or undefined when a quote is not closed.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { unitWords } from "./unit_file.ts";
 *
 * deepStrictEqual(unitWords(`A=1 "B=two words" C='x'`), ["A=1", "B=two words", "C=x"]);
 * ```
 */
export function unitWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === "\\" && at + 1 < text.length) {
      const next = text[++at] ?? "";
      const digits = /^(x[0-9a-fA-F]{2}|[0-7]{3}|u[0-9a-fA-F]{4})/.exec(text.slice(at, at + 5))
        ?.[0];
      if (digits !== undefined) {
        const code = /^[xu]/.test(digits) ? parseInt(digits.slice(1), 16) : parseInt(digits, 8);
        word = `${word ?? ""}${String.fromCharCode(code)}`;
        at += digits.length - 1;
      } else {
        word = `${word ?? ""}${escapes[next] ?? next}`;
      }
    } else if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else word = `${word ?? ""}${character}`;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= "";
    } else if (/[ \t\n\r]/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = `${word ?? ""}${character}`;
    }
  }
  if (quote !== undefined) return undefined;
  if (word !== undefined) words.push(word);
  return words;
}
