/**
 * Asking the operator before something is changed.
 *
 * Asked only where somebody sits: all three streams are a terminal. A script is never asked, and is
 * never kept waiting.
 *
 * @module
 */

import { Interrupted } from "./interrupted.ts";
import { type Block, renderBlocks, wantsColors } from "../output/screen.ts";
import { printable } from "../output/screen_text.ts";
import { askLine } from "./prompt.ts";
import type { Environment } from "../system.ts";
import type { Terminal } from "./terminal.ts";

/** What asking needs. */
interface ConfirmDeps {
  readonly terminal: Terminal;
  readonly env: Environment;
}

/** Whether there is somebody to ask. */
export function isInteractive({ stdin, stdout, stderr }: Terminal): boolean {
  return stdin.isTerminal && stdout.isTerminal && stderr.isTerminal;
}

/**
 * Shows what would happen, and goes on only when the operator says yes.
 *
 * @throws {Interrupted} for any other answer.
 */
export async function confirm(
  deps: ConfirmDeps,
  blocks: readonly Block[],
  question: string,
): Promise<void> {
  show(deps, blocks);
  const answer = await askLine(deps.terminal, `${printable(question)} [y/N] `);
  if (!/^\s*y(es)?\s*$/i.test(answer)) throw nothingChanged();
}

/**
 * The same for what cannot be undone: the answer must be a word typed out.
 *
 * @throws {Interrupted} for any other answer.
 */
export async function confirmByTyping(
  deps: ConfirmDeps,
  blocks: readonly Block[],
  question: string,
  word: string,
): Promise<void> {
  show(deps, blocks);
  const answer = await askLine(deps.terminal, `${printable(question)} `);
  if (answer.trim() !== word) throw nothingChanged();
}

function show({ terminal: { stderr }, env }: ConfirmDeps, blocks: readonly Block[]): void {
  const text = renderBlocks(blocks, { colors: wantsColors(stderr, env) });
  if (text !== "") stderr.write(`${text}\n`);
}

function nothingChanged(): Interrupted {
  return new Interrupted("Nothing was changed");
}
