/**
 * `${VARIABLE}` and its kin in the texts of a Compose file.
 *
 * @module
 */

/** What there is to put in. */
export type Variables = ReadonlyMap<string, string>;

/** What came of a text. */
interface Interpolated {
  readonly text: string;
  /** Variables that are not set and have no default: they became nothing. */
  readonly unset: readonly string[];
  /** Variables that must be set and are not, each with what the file says about it. */
  readonly required: readonly { readonly name: string; readonly message: string }[];
  /** What the text does wrong; undefined when it is well written. */
  readonly error: string | undefined;
}

/** Defaults may hold variables with defaults; nobody nests them deeper than this. */
const maxDepth = 20;
/** A text that has grown beyond this by what was put in is refused. */
const maxLength = 256 * 1024;

/**
 * Puts the variables in.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { interpolate } from "./interpolate.ts";
 *
 * strictEqual(interpolate("nginx:${TAG:-alpine}", new Map()).text, "nginx:alpine");
 * strictEqual(interpolate("costs 5 $$", new Map()).text, "costs 5 $");
 * ```
 */
export function interpolate(text: string, variables: Variables): Interpolated {
  if (!text.includes("$")) return { text, unset: [], required: [], error: undefined };
  const run = new Run(variables);
  const result = run.expand(text, 0);
  return {
    text: run.error === undefined ? result : text,
    unset: [...run.unset],
    required: [...run.required].map(([name, message]) => ({ name, message })),
    error: run.error,
  };
}

const namePattern = /[a-zA-Z_][a-zA-Z0-9_]*/y;

class Run {
  readonly unset = new Set<string>();
  readonly required = new Map<string, string>();
  error: string | undefined;
  readonly #variables: Variables;

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  expand(text: string, depth: number): string {
    if (depth > maxDepth) return this.#fail("its defaults are nested too deeply");
    const parts: string[] = [];
    let length = 0;
    const add = (part: string) => {
      length += part.length;
      parts.push(part);
    };
    for (let at = 0; at < text.length && this.error === undefined;) {
      const dollar = text.indexOf("$", at);
      if (dollar < 0) {
        add(text.slice(at));
        break;
      }
      add(text.slice(at, dollar));
      const next = text[dollar + 1];
      if (next === "$") {
        add("$");
        at = dollar + 2;
      } else if (next === "{") {
        const end = closingBrace(text, dollar + 2);
        if (end < 0) return this.#fail("a ${ is not closed");
        add(this.#braced(text.slice(dollar + 2, end), depth));
        at = end + 1;
      } else {
        const name = nameAt(text, dollar + 1);
        if (name === "") return this.#fail("a single $ stands before no name; write $$ for a $");
        add(this.#valueOf(name));
        at = dollar + 1 + name.length;
      }
      if (length > maxLength) return this.#fail("it becomes too long");
    }
    return parts.join("");
  }

  #braced(inside: string, depth: number): string {
    const name = nameAt(inside, 0);
    const rest = inside.slice(name.length);
    const match = /^(:?[-?+])([^]*)$/.exec(rest);
    if (name === "" || (rest !== "" && match === null)) {
      return this.#fail(`"\${${inside.slice(0, 80)}}" is none of the forms there are`);
    }
    if (match === null) return this.#valueOf(name);
    const [, operator = "", word = ""] = match;
    const value = this.#variables.get(name);
    const isThere = value !== undefined && (!operator.startsWith(":") || value !== "");
    switch (operator.at(-1)) {
      case "-":
        return isThere ? value : this.expand(word, depth + 1);
      case "+":
        return isThere ? this.expand(word, depth + 1) : "";
      default:
        if (isThere) return value;
        this.required.set(name, this.expand(word, depth + 1));
        return "";
    }
  }

  #valueOf(name: string): string {
    const value = this.#variables.get(name);
    if (value === undefined) this.unset.add(name);
    return value ?? "";
  }

  #fail(error: string): string {
    this.error ??= error;
    return "";
  }
}

function nameAt(text: string, at: number): string {
  namePattern.lastIndex = at;
  return namePattern.exec(text)?.[0] ?? "";
}

/** The brace that closes one, those of variables within it left out of account. */
function closingBrace(text: string, from: number): number {
  let open = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "$" && text[at + 1] === "{") {
      open++;
      at++;
    } else if (text[at] === "}" && --open === 0) {
      return at;
    }
  }
  return -1;
}
