/**
 * What an import has to say: what could not be expressed, what was changed on the way, what the
 * operator still has to do, and what makes no sense at all. Each with where it stands.
 *
 * @module
 */

import type { Fate } from "../output/fates.ts";

/** A place in a file that is imported. */
export interface Origin {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** E.g. "services.web.ports[1]" or "Volume=". */
  readonly key: string;
}

/** One thing that is told about an import. */
export interface Note {
  readonly fate: Fate;
  /** Undefined: it is about the whole service. */
  readonly component: string | undefined;
  readonly origin: Origin;
  /** What happened, a sentence without a full stop. */
  readonly what: string;
  /** What to do about it; empty when nothing need be done. */
  readonly todo: string;
}

/** What the imported file itself cannot mean. */
interface Mistake {
  readonly origin: Origin;
  readonly what: string;
}

/** Collects what is found on the way. Saying a thing twice is saying it once. */
export class Findings {
  readonly #notes = new Map<string, Note>();
  readonly #mistakes = new Map<string, Mistake>();

  get notes(): readonly Note[] {
    return [...this.#notes.values()];
  }

  get mistakes(): readonly Mistake[] {
    return [...this.#mistakes.values()];
  }

  /**
   * A definition cannot say it.
   *
   * @param component Undefined: it is about the whole service, here and below.
   */
  leftOut(origin: Origin, what: string, todo = "", component?: string): void {
    this.#add({ fate: "left out", component, origin, what, todo });
  }

  /** It is said in another way. */
  changed(origin: Origin, what: string, todo = "", component?: string): void {
    this.#add({ fate: "changed", component, origin, what, todo });
  }

  /** It works only when the operator does something. */
  needs(origin: Origin, what: string, todo: string, component?: string): void {
    this.#add({ fate: "needs you", component, origin, what, todo });
  }

  #add(note: Note): void {
    const { fate, component, origin, what } = note;
    const key = JSON.stringify([fate, component, origin.file, origin.line, origin.key, what]);
    if (!this.#notes.has(key)) this.#notes.set(key, note);
  }

  mistake(origin: Origin, what: string): void {
    const key = JSON.stringify([origin.file, origin.line, what]);
    if (!this.#mistakes.has(key)) this.#mistakes.set(key, { origin, what });
  }
}

/** "compose.yaml:12: services.web.ports[1]". */
export function formatOrigin({ file, line, key }: Origin): string {
  return key === "" ? `${file}:${line}` : `${file}:${line}: ${key}`;
}
