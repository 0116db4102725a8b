/**
 * A command line in one text, as words: what a shell would make of quotes and backslashes, and
 * nothing else that a shell does.
 *
 * @module
 */

/** The words, or why there are none. */
type ShellWords =
  | {
    readonly words: readonly string[];
    /** Words that a shell would act upon, e.g. "&&"; here they are words. */
    readonly operators: readonly string[];
  }
  | { readonly error: string };

/**
 * Splits as Compose does.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { shellWords } from "./shell_words.ts";
 *
 * deepStrictEqual(shellWords(`sh -c "echo 'a b'"`), {
 *   words: ["sh", "-c", "echo 'a b'"],
 *   operators: [],
 * });
 * ```
 */
export function shellWords(text: string): ShellWords {
  const words: string[] = [];
  const operators: string[] = [];
  let word: string | undefined;
  let wasQuoted = false;
  let quote: "'" | '"' | undefined;
  const end = () => {
    if (word === undefined) return;
    if (!wasQuoted && /^(&&?|\|\|?|;|[0-9]?>>?|<)$/.test(word)) operators.push(word);
    words.push(word);
    word = undefined;
    wasQuoted = false;
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    const next = text[at + 1];
    if (quote === "'") {
      if (character === "'") quote = undefined;
      else word = `${word ?? ""}${character}`;
    } else if (character === "\\") {
      if (next === undefined) return { error: "it ends with a backslash" };
      at++;
      // Within double quotes a backslash means something only before these.
      const keeps = quote === '"' && !['"', "\\", "$", "`", "\n"].includes(next);
      if (next !== "\n" || keeps) word = `${word ?? ""}${keeps ? "\\" : ""}${next}`;
      wasQuoted = true;
    } else if (quote === '"') {
      if (character === '"') quote = undefined;
      else word = `${word ?? ""}${character}`;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
      wasQuoted = true;
    } else if (/\s/.test(character)) {
      end();
    } else {
      word = `${word ?? ""}${character}`;
    }
  }
  if (quote !== undefined) return { error: `a ${quote} is not closed` };
  end();
  return { words, operators };
}
