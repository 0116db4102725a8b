/**
 * Files of variables that a definition names. Nothing is looked up: `$NAME` is what it says, and a
 * name without a value is a mistake. How they are written: `dotenv_lines.ts`.
 *
 * @module
 */

import { readDotenv, unescaped } from "./dotenv_lines.ts";

/** The variables of a file, or what is wrong with it. */
interface DotenvFile {
  readonly values: Readonly<Record<string, string>>;
  /** One sentence each, with file and line, and without any value. */
  readonly mistakes: readonly string[];
}

/**
 * Reads such a file; of two values of one name the later one counts.
 *
 * @param file Name for mistakes.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { parseDotenv } from "./dotenv.ts";
 *
 * deepStrictEqual(parseDotenv("TZ=UTC # no summer time\nMOTD='Good day'\n", "hello.env").values, {
 *   TZ: "UTC",
 *   MOTD: "Good day",
 * });
 * ```
 */
export function parseDotenv(text: string, file: string): DotenvFile {
  const { variables, mistakes } = readDotenv(text, { colons: false, raw: false });
  const values: Record<string, string> = {};
  const wrong = [...mistakes];
  for (const { name, line, quote, body } of variables) {
    if (body === undefined) wrong.push({ line, what: "expected NAME=value" });
    else values[name] = quote === '"' ? unescaped(body) : body;
  }
  return {
    values,
    mistakes: wrong.sort((one, other) => one.line - other.line)
      .map(({ line, what }) => `${file}:${line}: ${what}`),
  };
}
