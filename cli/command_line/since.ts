/**
 * "Since when", as the operator says it: so long ago, or an instant.
 *
 * @module
 */

import { formatDuration, parseDuration } from "../../lib/domain/duration.ts";
import { McpError } from "../../lib/errors.ts";

/** Counted back from now, or fixed. */
export type Since = { readonly agoMs: number } | { readonly at: Date };

const instant =
  /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?<zone>Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Reads "1h", "2026-03-01" or "2026-03-01T12:00:00Z"; without a zone it is UTC, as all instants
 * that are shown.
 *
 * @throws {McpError} `invalid`
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { parseSince } from "./since.ts";
 *
 * deepStrictEqual(parseSince("1h"), { agoMs: 3_600_000 });
 * deepStrictEqual(parseSince("2026-03-01 12:00"), { at: new Date("2026-03-01T12:00:00Z") });
 * ```
 */
export function parseSince(text: string): Since {
  const agoMs = parseDuration(text);
  if (agoMs !== undefined) return { agoMs };
  const match = instant.exec(text);
  if (match !== null) {
    const isDay = text.length === "2026-03-01".length;
    const zone = isDay || match.groups?.["zone"] !== undefined ? "" : "Z";
    const at = new Date(`${text.replace(" ", "T")}${zone}`);
    if (!Number.isNaN(at.getTime())) return { at };
  }
  throw new McpError("invalid", `Cannot use ${JSON.stringify(text)} as a point in time`, {
    hint: "Write how long ago, like 30m, 12h or 7d, or an instant like 2026-03-01T12:00:00Z",
  });
}

/** The text that {@link parseSince} reads. */
export function formatSince(since: Since): string {
  return "at" in since ? since.at.toISOString() : formatDuration(since.agoMs).replaceAll(" ", "");
}

/** The instant that is meant. */
export function sinceWhen(since: Since, now: Date): Date {
  return "at" in since ? since.at : new Date(now.getTime() - since.agoMs);
}
