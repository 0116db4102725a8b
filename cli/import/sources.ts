/**
 * The files an import is made of, as far as they are known.
 *
 * Deciding reads nothing by itself. What it asks for and nobody has read yet is remembered; it is
 * read by somebody else, and everything is decided anew.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { McpError } from "../../lib/errors.ts";

/** The longest file that is read; written by hand, they have a tenth of that. */
export const maxSourceBytes = 256 * 1024;

/** More files than this no import needs. */
const maxSources = 100;

/** Texts of files by their paths. */
export class Sources {
  readonly #texts = new Map<string, string | undefined>();
  readonly #wanted = new Set<string>();

  /** The text of a file; undefined when there is none, or when it is not known yet. */
  get(path: string): string | undefined {
    if (!this.#texts.has(path)) this.#wanted.add(path);
    return this.#texts.get(path);
  }

  /** Says what a file holds; undefined: there is none. */
  put(path: string, text: string | undefined): void {
    if (this.#texts.size >= maxSources) {
      throw new McpError("invalid", `Cannot import more than ${maxSources} files at once`);
    }
    this.#texts.set(path, text);
    this.#wanted.delete(path);
  }

  /** What was asked for and is not known. */
  get wanted(): readonly string[] {
    return [...this.#wanted];
  }
}

/** The path of a file that another one names. */
export function beside({ file }: { readonly file: string }, path: string): string {
  return path.startsWith("/") ? path : join(dirname(file), path);
}

/** Decides, reading what the decision asks for, until it asks for nothing more. */
export async function decideWith<Decision>(
  sources: Sources,
  read: (path: string) => Promise<string | undefined>,
  decide: (sources: Sources) => Decision,
): Promise<Decision> {
  for (;;) {
    let outcome: { readonly decision: Decision } | { readonly error: unknown };
    try {
      outcome = { decision: decide(sources) };
    } catch (error) {
      outcome = { error };
    }
    const { wanted } = sources;
    // What was decided without a file that is there may be wrong, errors included.
    if (wanted.length === 0) {
      if ("error" in outcome) throw outcome.error;
      return outcome.decision;
    }
    for (const path of wanted) sources.put(path, await read(path));
  }
}
