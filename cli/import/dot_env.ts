/**
 * `.env` files as Compose reads them: it puts variables into their values. How they are written is
 * what a definition's own files have in common with them.
 *
 * @module
 */

import { readDotenv, unescaped } from "../definitions/dotenv_lines.ts";
import { interpolate, type Variables } from "./interpolate.ts";

/** One variable, and where it stands. */
interface DotEnvVariable {
  readonly name: string;
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

/** What such a file says. */
interface DotEnv {
  readonly variables: readonly DotEnvVariable[];
  /** Names without a value: to be taken from the surroundings. */
  readonly bare: readonly { readonly name: string; readonly line: number }[];
  /** Lines that are none. */
  readonly mistakes: readonly { readonly line: number; readonly what: string }[];
}

/**
 * Reads the text of such a file.
 *
 * @param known What `${NAME}` may stand for besides the variables before it; undefined: values are
 *   taken as they stand, without quotes and variables.
 */
export function parseDotEnv(text: string, known: Variables | undefined): DotEnv {
  const read = readDotenv(text, { colons: true, raw: known === undefined });
  const variables: DotEnvVariable[] = [];
  const bare: { name: string; line: number }[] = [];
  const mistakes = [...read.mistakes];
  const values = new Map(known ?? []);
  for (const { name, line, quote, body } of read.variables) {
    if (body === undefined) {
      bare.push({ name, line });
      continue;
    }
    const value = known === undefined || quote === "'"
      ? body
      : expanded(quote === '"' ? unescaped(body, "$$") : body, values);
    if (value === undefined) {
      mistakes.push({ line, what: "its ${ is not closed" });
      continue;
    }
    values.set(name, value);
    variables.push({ name, value, line });
  }
  return { variables, bare, mistakes: mistakes.sort((one, other) => one.line - other.line) };
}

function expanded(text: string, values: Variables): string | undefined {
  const { text: result, error } = interpolate(text, values);
  // A password may hold a $ that begins no variable.
  return error === undefined ? result : /\$\{/.test(text) ? undefined : text;
}
