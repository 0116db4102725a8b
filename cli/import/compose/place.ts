/**
 * Reading a value of a Compose file together with where it stands.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import type { Findings, Origin } from "../findings.ts";
import { interpolate, type Variables } from "../interpolate.ts";
import type { Position, Value } from "./yaml.ts";

/** With all variables put in, all texts together. */
const maxCharacters = 8 * 1024 * 1024;

/** A value, and the way to it. */
export interface Place {
  readonly value: Value;
  readonly origin: Origin;
}

/** A name, and what is said of it; undefined: nothing. */
interface Pair {
  readonly name: string;
  readonly value: string | undefined;
  readonly origin: Origin;
}

/** The place of a value below the document's root. */
export function placeOf(value: Value, at: Position, key: string): Place {
  return { value, origin: { ...at, key } };
}

/** Reads values; what is written wrongly becomes a mistake and reads as undefined. */
export class Reader {
  readonly findings: Findings;
  readonly #variables: Variables;
  #characters = 0;

  constructor(findings: Findings, variables: Variables) {
    this.findings = findings;
    this.#variables = variables;
  }

  /** The tables and lists below are read as they are asked for: what nobody reads is not judged. */
  entries(place: Place): readonly (readonly [string, Place])[] {
    const { value, origin } = place;
    if (isNull(value)) return [];
    if (value.kind !== "map") {
      this.#expected("a table", place);
      return [];
    }
    return [...value.entries].map(([name, entry]) =>
      [name, placeOf(entry.value, entry.at, joined(origin.key, name))] as const
    );
  }

  /** One entry of a table. */
  entry(place: Place, name: string): Place | undefined {
    const { value, origin } = place;
    if (value.kind !== "map") return undefined;
    const entry = value.entries.get(name);
    return entry && placeOf(entry.value, entry.at, joined(origin.key, name));
  }

  /** One entry of a table; undefined where nothing is said. */
  said(place: Place, name: string): Place | undefined {
    const entry = this.entry(place, name);
    return entry === undefined || isNull(entry.value) ? undefined : entry;
  }

  /** The text of one entry of a table; undefined where nothing is said. */
  textOf(place: Place, name: string): string | undefined {
    const entry = this.said(place, name);
    return entry && this.text(entry);
  }

  /** What a list holds. */
  items(place: Place): readonly Place[] {
    const { value, origin } = place;
    if (isNull(value)) return [];
    if (value.kind !== "list") {
      this.#expected("a list", place);
      return [];
    }
    return value.items.map((item, at) => placeOf(item, item.at, `${origin.key}[${at}]`));
  }

  /** What a list holds, or the one value that stands in its place. */
  oneOrMore(place: Place): readonly Place[] {
    return place.value.kind === "scalar" && !isNull(place.value) ? [place] : this.items(place);
  }

  /** The text, with variables put in. Numbers become what Compose makes of them. */
  text(place: Place): string | undefined {
    const { value, origin } = place;
    if (value.kind !== "scalar" || value.value === null) {
      this.#expected("a text", place);
      return undefined;
    }
    if (typeof value.value !== "string") return String(value.value);
    return this.interpolated(value.value, origin);
  }

  /** A text with its variables put in; undefined when it is written wrongly. */
  interpolated(written: string, origin: Origin): string | undefined {
    const { text, unset, required, error } = interpolate(written, this.#variables);
    if (error !== undefined) {
      this.findings.mistake(origin, error);
      return undefined;
    }
    // A long variable may be put in many times.
    this.#characters += text.length;
    if (this.#characters > maxCharacters) {
      throw new McpError("invalid", `Cannot import ${origin.file}: its variables make it too long`);
    }
    for (const { name, message } of required) {
      this.findings.mistake(
        origin,
        `the variable ${name} must be set${message === "" ? "" : `: ${message}`}`,
      );
    }
    for (const name of unset) {
      this.findings.needs(
        { ...origin, key: `\${${name}}` },
        "is set nowhere, and became nothing",
        `Set ${name} in the .env file beside it, or in one given with --env-file`,
      );
    }
    return text;
  }

  /** The texts of a list. */
  texts(place: Place): readonly { readonly text: string; readonly origin: Origin }[] {
    return this.items(place).flatMap((item) => {
      const text = this.text(item);
      return text === undefined ? [] : [{ text, origin: item.origin }];
    });
  }

  /** True or false, also as a text: variables are texts. */
  flag(place: Place): boolean | undefined {
    const { value } = place;
    if (value.kind === "scalar" && typeof value.value === "boolean") return value.value;
    const text = this.text(place);
    if (text === undefined) return undefined;
    if (/^(true|yes|on|1)$/i.test(text)) return true;
    if (/^(false|no|off|0|)$/i.test(text)) return false;
    this.#expected("true or false", place);
    return undefined;
  }

  /** A number, also as a text. */
  number(place: Place): number | undefined {
    const text = this.text(place);
    if (text === undefined) return undefined;
    const number = Number(text);
    if (text.trim() !== "" && Number.isFinite(number)) return number;
    this.#expected("a number", place);
    return undefined;
  }

  /**
   * Names and their values, written as a table or as a list of "name=value".
   * A value is undefined where none is written.
   */
  pairs(place: Place, separator: RegExp = /=/): readonly Pair[] {
    if (place.value.kind === "map") {
      return this.entries(place).flatMap(([name, inner]): Pair[] => {
        if (isNull(inner.value)) return [{ name, value: undefined, origin: inner.origin }];
        const value = this.text(inner);
        if (value === undefined) return [];
        this.#tellOfNumber(inner, value);
        return [{ name, value, origin: inner.origin }];
      });
    }
    return this.texts(place).map(({ text, origin }) => {
      const at = text.search(separator);
      return at < 0
        ? { name: text, value: undefined, origin }
        : { name: text.slice(0, at), value: text.slice(at + 1), origin };
    });
  }

  /** Outside of quotes 1.10 is a number, which is 1.1. */
  #tellOfNumber({ value, origin }: Place, text: string): void {
    if (value.kind !== "scalar" || typeof value.value !== "number") return;
    if (value.written === text) return;
    this.findings.changed(
      origin,
      `${value.written.slice(0, 40)} is a number, and became ${text}`,
      "Write it in quotes if it is a text, and import again",
    );
  }

  #expected(what: string, { value, origin }: Place): void {
    const found = value.kind === "map"
      ? "a table"
      : value.kind === "list"
      ? "a list"
      : value.value === null
      ? "nothing"
      : typeof value.value === "string"
      ? "a text"
      : `${value.value}`;
    this.findings.mistake(origin, `expected ${what}, found ${found}`);
  }
}

/** Whether nothing is written there. */
export function isNull(value: Value): boolean {
  return value.kind === "scalar" && value.value === null;
}

function joined(path: string, name: string): string {
  const shown = /^[\w/@-]{1,80}$/.test(name) ? name : JSON.stringify(name.slice(0, 80));
  return path === "" ? shown : `${path}.${shown}`;
}

/**
 * The bits, or undefined when none are written. People write 0440 and mean octal; YAML 1.2 reads that
 * as four hundred and forty, so what was written counts.
 */
export function modeOf({ value }: Place): number | undefined {
  if (value.kind !== "scalar") return undefined;
  const text = typeof value.value === "string" ? value.value : value.written;
  const bits = /^0o?[0-7]{1,5}$/.test(text)
    ? parseInt(text.replace("o", ""), 8)
    : /^\d{1,5}$/.test(text)
    ? Number(text)
    : undefined;
  return bits === undefined || bits > 0o7777 ? undefined : bits;
}
