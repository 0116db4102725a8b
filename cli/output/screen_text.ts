/**
 * What a person reads, as data: text with a tone.
 *
 * Commands say what a piece of text means (`bad`, `faint`); whether that is a
 * color is decided here. Everything passes {@link printable} on its way, so that
 * no name, error or log line from a node can move the cursor or repaint the screen.
 *
 * @module
 */

/** What a piece of text means to its reader. */
export type Tone = "good" | "bad" | "warn" | "faint" | "strong" | NameTone;

/** One of several things that are only to be told apart. */
type NameTone = (typeof nameTones)[number];

const nameTones = ["name1", "name2", "name3", "name4", "name5", "name6"] as const;

/** Text with a meaning; a plain string has none. */
export type Span = string | { readonly text: string; readonly tone: Tone };

/** One line. */
export type Line = readonly Span[];

const colorOfTone: Readonly<Record<Tone, string>> = {
  good: "32",
  bad: "31",
  warn: "33",
  faint: "2",
  strong: "1",
  name1: "36",
  name2: "35",
  name3: "34",
  name4: "96",
  name5: "95",
  name6: "94",
};

/** A tone for each name, so that what belongs together looks alike. */
export function tonesOfNames(names: readonly string[]): ReadonlyMap<string, Tone> {
  return new Map(
    names.toSorted().map((name, at) => [name, nameTones[at % nameTones.length] ?? "strong"]),
  );
}

// Control characters, line separators, and the marks that reorder text around them.
const unprintable =
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * The text with everything that a terminal would act upon spelled out.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { printable } from "./screen_text.ts";
 *
 * strictEqual(printable("a\u001b[2Jb\n"), "a\\x1b[2Jb\\n");
 * ```
 */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "  ";
    const code = character.charCodeAt(0);
    return code < 256
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** The printable text of a span, without its tone. */
export function spanText(span: Span): string {
  return printable(typeof span === "string" ? span : span.text);
}

/** A span as it is written to the screen. */
export function renderSpan(span: Span, options: { readonly colors: boolean }): string {
  const text = spanText(span);
  if (!options.colors || typeof span === "string" || text === "") return text;
  return `\u001b[${colorOfTone[span.tone]}m${text}\u001b[0m`;
}
