/**
 * One object for scripts.
 *
 * @module
 */

/** A value of JSON. Keys are snake_case, instants are ISO 8601 in UTC, absent values are null. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** The object as text of several lines. */
export function renderJson(object: JsonObject): string {
  return `${harmless(JSON.stringify(object, undefined, 2))}\n`;
}

/** The object as one line, where many follow each other. */
export function renderJsonLine(object: JsonObject): string {
  return `${harmless(JSON.stringify(object))}\n`;
}

/**
 * JSON escapes C0 control characters by itself; DEL and the C1 range are as
 * powerful on a terminal, and escaped here.
 */
function harmless(text: string): string {
  return text.replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
