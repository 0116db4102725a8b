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
import type { Terminal } from "../terminal/terminal.ts";
import { printable } from "./screen_text.ts";
import { displayWidth } from "./table.ts";

/** Shows what is going on. */
export interface Progress {
  /** Whether anything is drawn at all. */
  readonly isDrawn: boolean;
  /**
   * Draws one line per entry, with the time it has taken so far, until the work ends.
   *
   * @param labels Asked again for every picture, so that it can follow the work.
   */
  during<Result>(labels: () => readonly Label[], work: Promise<Result>): Promise<Result>;
  /** Writes to standard error, above what is drawn. */
  say(text: string): void;
}

/** What is going on, since drawing began; or since when it is, undefined where it is over. */
export type Label = string | { readonly text: string; readonly since: Date | undefined };

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;
/** Nothing is drawn for work that ends sooner: a flash tells nobody anything. */
const patienceMs = 200;

/** Progress on the terminal's standard error, or none where lines cannot be erased again. */
export function terminalProgress(
  { clock, terminal, env }: Pick<System, "clock" | "terminal" | "env">,
): Progress {
  const { stderr } = terminal;
  if (!stderr.isTerminal || env.TERM === "dumb") {
    return { isDrawn: false, during: (_labels, work) => work, say: (text) => stderr.write(text) };
  }
  const picture = new Picture(terminal);
  return {
    isDrawn: true,
    async during(labels, work) {
      const ended = new AbortController();
      const drawing = draw(labels, clock, picture, ended.signal);
      try {
        return await work;
      } finally {
        ended.abort();
        await drawing;
      }
    },
    say(text) {
      picture.erase();
      stderr.write(text);
    },
  };
}

/** Lines on the screen that are drawn over again. */
class Picture {
  readonly #terminal: Terminal;
  #lines = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  draw(lines: readonly string[]): void {
    const { stderr, columns } = this.#terminal;
    // A line that wraps would be two, and the next erasing one too few.
    const cutLines = lines.map((line) => `${cut(line, (columns() ?? 80) - 1)}\n`);
    stderr.write(`${this.#erasure()}${cutLines.join("")}`);
    this.#lines = lines.length;
  }

  erase(): void {
    this.#terminal.stderr.write(this.#erasure());
    this.#lines = 0;
  }

  #erasure(): string {
    return this.#lines === 0 ? "" : `\u001b[${this.#lines}A\u001b[J`;
  }
}

async function draw(
  labels: () => readonly Label[],
  clock: Clock,
  picture: Picture,
  ended: AbortSignal,
): Promise<void> {
  const startedAt = clock.now();
  try {
    await clock.sleep(patienceMs, ended);
    for (let turn = 0; !ended.aborted; turn++) {
      const now = clock.now().getTime();
      picture.draw(
        labels().map((label) => {
          const { text, since } = typeof label === "string"
            ? { text: label, since: startedAt }
            : label;
          if (since === undefined) return `  ${printable(text)}`;
          const elapsed = formatElapsed(now - since.getTime());
          return `${frames[turn % frames.length]} ${printable(text)}  ${elapsed}`;
        }),
      );
      await clock.sleep(frameMs, ended);
    }
  } catch (error) {
    // The sleep ends with the work.
    if (!ended.aborted) throw error;
  } finally {
    picture.erase();
  }
}

function formatElapsed(elapsedMs: number): string {
  return formatDuration(Math.max(0, Math.floor(elapsedMs / 1000) * 1000)).replace(/^0ms$/, "0s");
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
