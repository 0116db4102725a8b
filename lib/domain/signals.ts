/**
 * Signals by name and by number, as Linux has them.
 *
 * @module
 */

const numbers: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
  RTMIN: 34,
  RTMAX: 64,
};

const names = new Map(Object.entries(numbers).map(([name, number]) => [number, name]));

/**
 * A signal under its one name, whether it was written as a name, short or long, or as a number;
 * what is none stays as it is.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { signalName } from "./signals.ts";
 *
 * deepStrictEqual(["QUIT", "sigquit", "3", "SIGRTMIN+3"].map(signalName), [
 *   "SIGQUIT",
 *   "SIGQUIT",
 *   "SIGQUIT",
 *   "SIGRTMIN+3",
 * ]);
 * ```
 */
export function signalName(text: string): string {
  const number = signalNumber(text);
  if (number === undefined) return text;
  const name = names.get(number);
  return name === undefined ? `SIGRTMIN+${number - 34}` : `SIG${name}`;
}

function signalNumber(text: string): number | undefined {
  const short = text.toUpperCase().replace(/^SIG/, "");
  const number = /^\d{1,2}$/.test(short)
    ? Number(short)
    : numbers[short] ?? realTimeNumber(/^RTMIN\+(\d{1,2})$/.exec(short)?.[1]);
  return number !== undefined && (names.has(number) || (number > 34 && number < 64))
    ? number
    : undefined;
}

function realTimeNumber(beyond: string | undefined): number | undefined {
  return beyond === undefined ? undefined : 34 + Number(beyond);
}
