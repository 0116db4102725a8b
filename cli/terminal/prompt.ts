/**
 * Asking the operator for a line of text, with or without showing it.
 *
 * Keys are read raw in both cases, so that Ctrl-C arrives here as a key, and the
 * terminal is always put back before anything else is said. Where input is
 * redirected nothing is asked: the secret is what standard input holds.
 *
 * @module
 */

import { Interrupted } from "./interrupted.ts";
import type { Terminal } from "./terminal.ts";

/** A line being typed. */
export interface Line {
  readonly text: string;
  readonly state: "typing" | "done" | "interrupted" | "ended";
}

const controlC = "\u0003";
const controlD = "\u0004";
const controlU = "\u0015";
const backspaces = new Set(["\u007f", "\b"]);
// deno-lint-ignore no-control-regex -- the sequences that arrow and function keys send
const escapeSequence = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|O.)?/g;

/**
 * The line after some more keys: letters are added, Backspace and Ctrl-U take
 * away, Enter ends it; what arrow and function keys send is ignored.
 *
 * @param keys Text as it arrived from the terminal; a paste is many keys at once.
 */
export function type(line: Line, keys: string): Line {
  let text = line.text;
  for (const key of keys.replace(escapeSequence, "")) {
    if (key === "\r" || key === "\n") return { text, state: "done" };
    if (key === controlC) return { text: "", state: "interrupted" };
    if (key === controlD && text === "") return { text, state: "ended" };
    if (key === controlU) text = "";
    else if (backspaces.has(key)) text = [...text].slice(0, -1).join("");
    else if (key >= " ") text += key;
  }
  return { text, state: "typing" };
}

/**
 * Asks for a line and shows it as it is typed.
 *
 * @throws {Interrupted} on Ctrl-C and on Ctrl-D.
 */
export async function askLine(terminal: Terminal, question: string): Promise<string> {
  return await ask(terminal, question, { echo: true });
}

/**
 * Asks for a secret without showing it, or takes all of standard input where that is redirected.
 *
 * @throws {Interrupted} on Ctrl-C and on Ctrl-D.
 */
export async function askSecret(terminal: Terminal, question: string): Promise<string> {
  if (terminal.stdin.isTerminal) return await ask(terminal, question, { echo: false });
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const bytes = await terminal.stdin.read();
    if (bytes === undefined) return text.replace(/\r?\n$/, "");
    text += decoder.decode(bytes, { stream: true });
  }
}

async function ask(
  { stdin, stderr }: Terminal,
  question: string,
  { echo }: { readonly echo: boolean },
): Promise<string> {
  const decoder = new TextDecoder();
  let line: Line = { text: "", state: "typing" };
  stderr.write(question);
  stdin.setRaw(true);
  try {
    while (line.state === "typing") {
      const bytes = await stdin.read();
      line = bytes === undefined
        ? { text: "", state: "ended" }
        : type(line, decoder.decode(bytes, { stream: true }));
      // The whole line is written anew: simpler than knowing how wide each letter was.
      if (echo) stderr.write(`\r\u001b[K${question}${line.text}`);
    }
  } finally {
    stdin.setRaw(false);
    stderr.write("\n");
  }
  if (line.state !== "done") throw new Interrupted();
  return line.text;
}
