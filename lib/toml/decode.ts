/**
 * Plain values to typed ones: every mistake at once, each with file, line and key path.
 *
 * @module
 */

import * as z from "zod";
import { type Complaint, formatComplaint, type KeyPath } from "../domain/complaint.ts";
import { parseDuration } from "../domain/duration.ts";
import { nearest } from "../domain/nearest.ts";
import { McpError } from "../errors.ts";
import type { TomlFile } from "./parse.ts";

/** A duration in a file ("60s", "15m"), decoded to milliseconds. */
export function durationMs() {
  return z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== undefined) return ms;
    context.addIssue({ code: "custom", message: 'a duration like "60s", "15m" or "30d"' });
    return z.NEVER;
  });
}

/** Every way in which the value is not what the schema wants; empty when it is. */
export function complaintsOf(schema: z.ZodType, value: unknown): Complaint[] {
  const result = schema.safeParse(value);
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => toComplaints(schema, value, issue));
}

/**
 * Decodes a parsed file, or refuses it with all its mistakes.
 *
 * @param what What the file is to the operator, e.g. "the config".
 * @throws {McpError} `invalid`, one detail per mistake.
 */
export function decodeToml<Schema extends z.ZodType>(
  schema: Schema,
  toml: TomlFile,
  what: string,
): z.output<Schema> {
  // A file is read once. Compiling code for it, as is done for what is checked often, takes longer.
  const result = schema.safeParse(toml.value, { jitless: true });
  if (result.success) return result.data;
  throw refusal(toml, what, complaintsOf(schema, toml.value));
}

/** The error that tells all mistakes of one file, in the order of its lines. */
export function refusal(toml: TomlFile, what: string, complaints: readonly Complaint[]): McpError {
  const details = complaints
    .map((complaint) => ({ line: toml.lineOf(complaint.path), text: formatComplaint(complaint) }))
    .sort((a, b) => a.line - b.line)
    .map(({ line, text }) => `${toml.file}:${line}: ${text}`);
  const mistakes = details.length === 1 ? "a mistake" : `${details.length} mistakes`;
  return new McpError("invalid", `Cannot use ${what} ${toml.file}: it has ${mistakes}`, {
    details,
  });
}

function toComplaints(
  schema: z.ZodType,
  root: unknown,
  issue: z.core.$ZodIssue,
): Complaint[] {
  const path = issue.path as KeyPath;
  const found = describe(valueAt(root, path));
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(schema, path);
      return issue.keys.map((key) => {
        const close = nearest(key, known);
        return {
          path: [...path, key],
          expected: close === undefined && known.length > 0
            ? `one of ${known.join(", ")}`
            : "a known key",
          found: JSON.stringify(key),
          hint: close === undefined ? undefined : `did you mean ${JSON.stringify(close)}?`,
        };
      });
    }
    case "invalid_type":
      return [{ path, expected: typeNames[issue.expected] ?? issue.expected, found }];
    case "invalid_value": {
      const words = issue.values.map((word) => JSON.stringify(word));
      return [{ path, expected: words.join(" or "), found }];
    }
    case "too_small":
      return [{ path, expected: `at least ${counted(issue.minimum, issue.origin)}`, found }];
    case "too_big":
      return [{ path, expected: `at most ${counted(issue.maximum, issue.origin)}`, found }];
    default:
      return [{ path, expected: issue.message, found }];
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text in quotes",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a table",
};

/** A limit and what it counts, when that is not the value itself. */
function counted(limit: number | bigint, origin: string): string {
  const plural = Number(limit) !== 1;
  if (origin === "string") return `${limit} character${plural ? "s" : ""}`;
  return origin === "array" ? `${limit} ${plural ? "entries" : "entry"}` : `${limit}`;
}

function valueAt(root: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null
        ? (value as Record<string | number, unknown>)[key]
        : undefined,
    root,
  );
}

/** What stands there; the text of long values is cut, so that no secret is spelled out. */
function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") {
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  }
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return "a list";
  return value instanceof Date ? "a date" : "a table";
}

/** The keys the schema knows at a path; empty when there is no object there. */
function knownKeys(schema: z.ZodType, path: KeyPath): string[] {
  let node: z.ZodType = unwrap(schema);
  for (const key of path) {
    if (node instanceof z.ZodObject) node = unwrap(node.shape[key] as z.ZodType);
    else if (node instanceof z.ZodArray) node = unwrap(node.element as z.ZodType);
    else return [];
  }
  return node instanceof z.ZodObject ? Object.keys(node.shape) : [];
}

/** The schema below defaults, optionals and transforms. */
function unwrap(schema: z.ZodType): z.ZodType {
  let node = schema;
  for (;;) {
    if (
      node instanceof z.ZodDefault || node instanceof z.ZodOptional ||
      node instanceof z.ZodPrefault || node instanceof z.ZodNullable ||
      node instanceof z.ZodReadonly
    ) {
      node = node.def.innerType as z.ZodType;
    } else if (node instanceof z.ZodPipe) {
      node = node.def.in as z.ZodType;
    } else {
      return node;
    }
  }
}
