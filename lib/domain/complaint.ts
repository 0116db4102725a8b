/**
 * One mistake in something a person wrote: where, what was expected, what was found.
 *
 * @module
 */

/** Keys and indexes from the document's root to the value that is wrong. */
export type KeyPath = readonly (string | number)[];

/** One mistake. */
export interface Complaint {
  readonly path: KeyPath;
  readonly expected: string;
  /** What stands there, quoted where it is text; "nothing" where a key is missing. */
  readonly found: string;
  /** E.g. the known key that a typo is nearest to. */
  readonly hint?: string | undefined;
}

/** A key path as an operator would write it, e.g. `components[1].ports[0]`. */
export function formatKeyPath(path: KeyPath): string {
  return path.map((key, at) => typeof key === "number" ? `[${key}]` : at === 0 ? key : `.${key}`)
    .join("");
}

/** The mistake as one sentence, without the file it is in. */
export function formatComplaint({ path, expected, found, hint }: Complaint): string {
  const where = path.length === 0 ? "" : `${formatKeyPath(path)}: `;
  return `${where}expected ${expected}, found ${found}${hint === undefined ? "" : ` (${hint})`}`;
}
