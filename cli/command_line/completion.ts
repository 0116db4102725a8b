/**
 * Completing words that only the workstation's files know: services, components, nodes.
 *
 * A value parser cannot look at files. It says what kind of word would fit
 * ({@link wanted}), and before the suggestions go to the shell, the words of that
 * kind are put in its place ({@link knowing}).
 *
 * @module
 */

import type { ShellCompletion } from "@optique/core/completion";
import { message, text } from "@optique/core/message";
import type { Suggestion } from "@optique/core/parser";

/** What is known without asking any node. */
export interface KnownWords {
  readonly services: readonly string[];
  /** Services and, of the one before the slash that is being typed, `service/component`. */
  readonly targets: readonly string[];
  readonly nodes: readonly string[];
  /** Of the service that is named already, newest first. */
  readonly revisions: readonly string[];
}

/** A kind of word. */
export type WordKind = keyof KnownWords;

/** Nothing is known. */
export const noWords: KnownWords = { services: [], targets: [], nodes: [], revisions: [] };

/** Stands for all words of a kind that begin like this. */
export function wanted(kind: WordKind, prefix: string): Suggestion {
  return { kind: "literal", text: prefix, description: message`${text(`${marker}${kind}`)}` };
}

/** No description holds this character. */
const marker = "\0";

/** The shell's completion with the words put in. */
export function knowing(shell: ShellCompletion, words: KnownWords): ShellCompletion {
  return {
    ...shell,
    encodeSuggestions: (suggestions) =>
      shell.encodeSuggestions(suggestions.flatMap((each) => answer(each, words))),
  };
}

function answer(suggestion: Suggestion, words: KnownWords): readonly Suggestion[] {
  if (suggestion.kind !== "literal") return [suggestion];
  const [term] = suggestion.description ?? [];
  if (term?.type !== "text" || !term.text.startsWith(marker)) return [suggestion];
  // A joined option keeps its own part: `--node=ri` becomes `--node=rift`.
  const [, option = "", prefix = ""] = /^(--[a-z-]+=)?(.*)$/.exec(suggestion.text) ?? [];
  return words[term.text.slice(marker.length) as WordKind]
    .filter((word) => word.startsWith(prefix))
    .map((word) => ({ kind: "literal", text: `${option}${word}` }));
}
