/**
 * Signs of life on standard error while something takes long.
 *
 * Drawn only on a terminal, and gone without a trace when the work ends: what
 * is left on the screen is the result.
 *
 * @module
 */

import { formatDuration } from "../../lib/domain/duration.ts";
import type { Clock } from "../../lib/system/clock.ts";
import type { System } from "../system.ts";
import type { Terminal } from "../terminal.ts";
import { printable } from "./screen_text.ts";
import { displayWidth } from "./table.ts";

/** Shows what is going on. */
export interface Progress {
  /**
   * Draws one line per entry, with the time it has taken so far, until the work ends.
   *
   * @param labels Asked again for every picture, so that it can follow the work.
   */
  during<Result>(labels: () => readonly string[], work: Promise<Result>): Promise<Result>;
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;
/** Nothing is drawn for work that ends sooner: a flash tells nobody anything. */
const patienceMs = 200;

/** Progress on the terminal's standard error, or none where lines cannot be erased again. */
export function terminalProgress(
  { clock, terminal, env }: Pick<System, "clock" | "terminal" | "env">,
): Progress {
  if (!terminal.stderr.isTerminal || env.TERM === "dumb") {
    return { during: (_labels, work) => work };
  }
  return {
    async during(labels, work) {
      const ended = new AbortController();
      const drawing = draw(labels, clock, terminal, ended.signal);
      try {
        return await work;
      } finally {
        ended.abort();
        await drawing;
      }
    },
  };
}

async function draw(
  labels: () => readonly string[],
  clock: Clock,
  { stderr, columns }: Terminal,
  ended: AbortSignal,
): Promise<void> {
  const startedAt = clock.now().getTime();
  let drawnLines = 0;
  const erase = () => drawnLines === 0 ? "" : `\u001b[${drawnLines}A\u001b[J`;
  try {
    await clock.sleep(patienceMs, ended);
    for (let turn = 0; !ended.aborted; turn++) {
      const elapsedMs = clock.now().getTime() - startedAt;
      const lines = labels().map((label) =>
        // A line that wraps would be two, and the next erasing one too few.
        cut(
          `${frames[turn % frames.length]} ${printable(label)}  ${formatElapsed(elapsedMs)}`,
          (columns() ?? 80) - 1,
        )
      );
      stderr.write(`${erase()}${lines.join("\n")}\n`);
      drawnLines = lines.length;
      await clock.sleep(frameMs, ended);
    }
  } catch (error) {
    // The sleep ends with the work.
    if (!ended.aborted) throw error;
  } finally {
    stderr.write(erase());
  }
}

function formatElapsed(elapsedMs: number): string {
  return formatDuration(Math.floor(elapsedMs / 1000) * 1000).replace(/^0ms$/, "0s");
}

/** The text without what does not fit into a number of terminal columns. */
function cut(text: string, width: number): string {
  let kept = "";
  for (const character of text) {
    if (displayWidth(kept + character) > width) break;
    kept += character;
  }
  return kept;
}
