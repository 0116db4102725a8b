/**
 * Columns for people: as wide as their widest cell, no borders.
 *
 * @module
 */

import { renderSpan, type Span, spanText } from "./screen_text.ts";

/** Column titles, and rows of cells. */
export interface Table {
  readonly columns: readonly string[];
  /**
   * A row with fewer cells than columns ends in a sentence, which runs over the
   * columns that are left and widens none of them.
   */
  readonly rows: readonly (readonly Span[])[];
  /** What was shown before: the rows go on below it, without titles and as wide as those. */
  readonly below?: Table | undefined;
}

const gap = "  ";

/** A table as it is written to the screen; the last column is not padded. */
export function renderTable(table: Table, options: { readonly colors: boolean }): string {
  const header: readonly Span[] = table.columns.map((text) => ({ text, tone: "faint" }));
  const rows = table.below === undefined ? [header, ...table.rows] : table.rows;
  const measured = [header, ...(table.below?.rows ?? []), ...table.rows];
  const widths = table.columns.map((_, at) =>
    Math.max(
      ...measured
        .filter((row) => at < row.length - 1 || row.length === table.columns.length)
        .map((row) => displayWidth(spanText(row[at] ?? ""))),
    )
  );
  const lines = rows.map((row) =>
    row.map((cell, at) => {
      const padding = at === row.length - 1 ? 0 : (widths[at] ?? 0) - displayWidth(spanText(cell));
      return `${renderSpan(cell, options)}${" ".repeat(padding)}`;
    }).join(gap).trimEnd()
  );
  return lines.map((line) => `${line}\n`).join("");
}

const combining = /^\p{Mark}$/u;
const wide =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u;

/** Terminal columns that a printable text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    width += combining.test(character) ? 0 : wide.test(character) ? 2 : 1;
  }
  return width;
}
