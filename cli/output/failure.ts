/**
 * Why a command did not do what it was asked: for people, and for scripts.
 *
 * @module
 */

import { errorChain, errorKind, McpError } from "../../lib/errors.ts";
import { Interrupted } from "../terminal/interrupted.ts";
import type { JsonObject } from "./json.ts";
import type { Line } from "./screen_text.ts";

/** The failure as lines: what happened, one line per mistake, and what to do next. */
export function failureLines(error: unknown): readonly Line[] {
  const { message, hint, details } = failureOf(error);
  return [
    [{ text: error instanceof Interrupted ? "" : "Error: ", tone: "bad" }, message],
    ...details.map((detail): Line => [`  ${detail}`]),
    ...(hint === null ? [] : [[{ text: "Next: ", tone: "strong" }, hint] satisfies Line]),
  ];
}

/** The failure as `--json` prints it, alone (`{"error": …}`) or in a node's row. */
export function failureJson(error: unknown): JsonObject {
  return { ...failureOf(error) };
}

function failureOf(error: unknown) {
  const hint = error instanceof McpError || error instanceof Interrupted ? error.hint : undefined;
  return {
    kind: error instanceof Interrupted ? "interrupted" : errorKind(error),
    message: errorChain(error),
    hint: hint ?? null,
    details: error instanceof McpError ? [...error.details] : defectDetails(error),
  };
}

/** Where a defect happened, for whoever reports it; nothing for a Ctrl-C. */
function defectDetails(error: unknown): string[] {
  if (error instanceof Interrupted || !(error instanceof Error)) return [];
  return (error.stack ?? "").split("\n").slice(1).map((line) => line.trim());
}
