/**
 * Text that comes in pieces, apart in lines.
 *
 * @module
 */

/** A line that is longer than this is dropped: nobody we listen to prints such. */
const longestLine = 1024 * 1024;

/**
 * Takes pieces and gives lines; a character that is parted between two pieces stays whole.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { Lines } from "./lines.ts";
 *
 * const lines = new Lines();
 * const bytes = (text: string) => new TextEncoder().encode(text);
 * deepStrictEqual(lines.take(bytes("one\ntw")), ["one"]);
 * deepStrictEqual(lines.take(bytes("o\n")), ["two"]);
 * ```
 */
export class Lines {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #isTooLong = false;

  /** The lines that this piece ends, without their line feeds; those that are too long are left out. */
  take(piece: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(piece, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    // Only the first one can have begun in an earlier piece.
    if (this.#isTooLong && lines.length > 0) {
      lines.shift();
      this.#isTooLong = false;
    }
    if (this.#rest.length > longestLine) {
      this.#isTooLong = true;
      this.#rest = "";
    }
    return lines.filter((line) => line.length <= longestLine);
  }

  /** What lacks a line feed so far; undefined when there is none, or it is too long. */
  get unfinished(): string | undefined {
    return this.#rest === "" || this.#isTooLong ? undefined : this.#rest;
  }
}
