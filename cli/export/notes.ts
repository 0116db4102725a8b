/**
 * Collects what there is to tell of an export, and writes it as comments.
 *
 * @module
 */

import { byFate, type Fate } from "../output/fates.ts";
import { printable } from "../output/screen_text.ts";
import type { Note } from "./exported.ts";

/** Says what became of one part of a spec. */
type Tell = (key: string, what: string, todo?: string) => void;

/** What is told of one component, or of the whole service. */
export interface NoteTaker {
  /** The format cannot say it. */
  readonly leftOut: Tell;
  /** It is said in another way. */
  readonly changed: Tell;
  /** It works only when the operator does something. */
  readonly needs: (key: string, what: string, todo: string) => void;
}

/** All that is told of one export, in the order in which it is found. */
export class Notes {
  readonly #notes: Note[] = [];

  get all(): readonly Note[] {
    return this.#notes.toSorted(byFate);
  }

  /** @param component Undefined: it is about the whole service. */
  about(component: string | undefined): NoteTaker {
    const tell = (fate: Fate): Tell => (key, what, todo = "") => {
      this.#notes.push({ fate, component, key, what, todo });
    };
    return { leftOut: tell("left out"), changed: tell("changed"), needs: tell("needs you") };
  }
}

const headings: Readonly<Record<Fate, string>> = {
  "needs you": "Needs you:",
  "changed": "Said in another way:",
  "left out": "Cannot be expressed here:",
};

/**
 * The notes as lines of a file's comment, each behind "#". Whatever a spec says, no line of it ends
 * the comment.
 */
export function commentLines(notes: readonly Note[]): string[] {
  return Object.entries(headings).flatMap(([fate, heading]) => {
    const told = notes.filter((note) => note.fate === fate);
    if (told.length === 0) return [];
    return [
      "",
      heading,
      ...told.flatMap(({ component, key, what, todo }) => [
        `  ${[...(component === undefined ? [] : [component]), key].join(" ")}: ${what}`,
        ...(todo === "" ? [] : [`      ${todo}`]),
      ]),
    ];
  }).map((line) => line === "" ? "#" : `# ${printable(line)}`);
}
