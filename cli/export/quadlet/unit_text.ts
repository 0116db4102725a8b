/**
 * Values of units, written so that podman's generator and systemd after it read them as they were.
 *
 * The generator puts each value into `ExecStart=`, where systemd looks for specifiers (`%h`) and
 * variables (`${HOME}`) once more; it escapes neither. So both are doubled here. Which keys are split
 * into words and unescaped, and which are taken as they are, is the generator's own doing
 * (pkg/systemd/quadlet/quadlet.go and pkg/systemd/parser of podman 5).
 *
 * @module
 */

/** A key and its value. */
export type UnitLine = readonly [key: string, value: string];

/** A section and what stands in it; it is left out when that is nothing. */
export interface Section {
  readonly name: string;
  readonly lines: readonly UnitLine[];
}

/** What a terminal or an editor would act upon, or a reader not see. */
const invisible =
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

function doubled(text: string): string {
  return text.replaceAll(/[%$]/g, "$&$&");
}

/**
 * One word of a value that is split into words.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { word } from "./unit_text.ts";
 *
 * strictEqual(word('GREETING=50 % "off"\n'), '"GREETING=50 %% \\"off\\"\\n"');
 * ```
 */
export function word(text: string): string {
  const safe = doubled(text.toWellFormed());
  if (/^[A-Za-z0-9_@.,:+=/%$~^-]+$/.test(safe)) return safe;
  const escaped = safe.replaceAll(/["\\]/g, "\\$&").replaceAll(invisible, escape);
  return `"${escaped}"`;
}

function escape(character: string): string {
  const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const code = character.charCodeAt(0);
  return short[character] ??
    (code < 0x80
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`);
}

/**
 * A value that is taken as it is; undefined when it cannot be one: spaces at its ends are lost, quotes
 * there may be, and a backslash at the end joins the next line to it.
 */
export function plain(text: string): string | undefined {
  if (text === "" || text.search(invisible) >= 0 || !text.isWellFormed()) return undefined;
  return /^[\s"']|[\s"'\\]$/.test(text) ? undefined : doubled(text);
}

/** A list of words as JSON, for a value that is taken as it is. */
export function jsonList(words: readonly string[]): string {
  return doubled(
    JSON.stringify(words.map((each) => each.toWellFormed())).replaceAll(
      invisible,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
  );
}

/** Whether the generator hands a word on: it drops empty ones, and a ";" ends the command. */
export function canBeArgument(text: string): boolean {
  return text !== "" && text !== ";";
}

/**
 * The text of a unit.
 *
 * @param head Comments, each with its "#".
 */
export function unitText(head: readonly string[], sections: readonly Section[]): string {
  const texts = sections.filter(({ lines }) => lines.length > 0).map(({ name, lines }) =>
    [`[${name}]`, ...lines.map(([key, value]) => `${key}=${value}`)].map((line) => `${line}\n`)
      .join("")
  );
  return [head.map((line) => `${line}\n`).join(""), ...texts].join("\n");
}
