/**
 * Everything a command shows to people, on its way to the screen.
 *
 * @module
 */

import { type Line, renderSpan } from "./screen_text.ts";
import { renderTable, type Table } from "./table.ts";
import type { Environment } from "../system.ts";
import type { Screen } from "../terminal/terminal.ts";

/** Lines that belong together, or a table. */
export type Block = readonly Line[] | Table;

/** Whether a screen wants colors: a terminal, and nobody asked for none. */
export function wantsColors(screen: Screen, env: Environment): boolean {
  return screen.isTerminal && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}

/** Blocks as they are written to the screen, an empty line between any two. */
export function renderBlocks(
  blocks: readonly Block[],
  options: { readonly colors: boolean },
): string {
  return blocks
    .map((block) => "columns" in block ? renderTable(block, options) : renderLines(block, options))
    .filter((text) => text !== "")
    .join("\n");
}

function renderLines(lines: readonly Line[], options: { readonly colors: boolean }): string {
  return lines
    .map((line) => `${line.map((span) => renderSpan(span, options)).join("")}\n`)
    .join("");
}
