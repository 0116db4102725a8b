/**
 * What several nodes said, for people and for scripts; a silent node is shown as one.
 *
 * @module
 */

import { errorChain } from "../../lib/errors.ts";
import { type Answer, unanswered } from "../agents/fan_out.ts";
import { type ExitCode, exitCodeOfNodes } from "./exit_code.ts";
import { failureJson } from "./failure.ts";
import type { JsonObject } from "./json.ts";
import type { Line, Span } from "./screen_text.ts";

/** How a command ends that asked several nodes. */
export function exitCodeOfAnswers(answers: readonly Answer<unknown>[]): ExitCode {
  const failures = unanswered(answers).map(({ error }) => error);
  return exitCodeOfNodes(failures, answers.length - failures.length);
}

/** One object per node: its name, and its answer or its failure. */
export function nodesJson<Value>(
  answers: readonly Answer<Value>[],
  toJson: (value: Value) => JsonObject,
): JsonObject[] {
  return answers.map((answer) => ({
    name: answer.node.name,
    ...("value" in answer ? toJson(answer.value) : { error: failureJson(answer.error) }),
  }));
}

/** One object per node: its name, and its failure or null, where the answers are told together. */
export function nodesErrorsJson(answers: readonly Answer<unknown>[]): JsonObject[] {
  return answers.map((answer) => ({
    name: answer.node.name,
    error: "error" in answer ? failureJson(answer.error) : null,
  }));
}

/** A row for each node that failed, below a table whose first column is a time. */
export function failedRows(answers: readonly Answer<unknown>[]): (readonly Span[])[] {
  return unanswered(answers).map(({ node, error }) => [
    "-",
    node.name,
    { text: errorChain(error), tone: "bad" },
  ]);
}

/** Rows that begin with the node's name; a node that failed is one row that says so. */
export function nodesRows<Value>(
  answers: readonly Answer<Value>[],
  toRows: (value: Value) => readonly (readonly Span[])[],
): (readonly Span[])[] {
  return answers.flatMap((answer): (readonly Span[])[] =>
    "value" in answer
      ? toRows(answer.value).map((row) => [answer.node.name, ...row])
      : [[answer.node.name, { text: errorChain(answer.error), tone: "bad" }]]
  );
}

/** What to do about the nodes that failed; each piece of advice once. */
export function nextLines(answers: readonly Answer<unknown>[]): Line[] {
  const hints = new Set(unanswered(answers).map(({ error }) => error.hint));
  return [...hints].flatMap((hint): Line[] =>
    hint === undefined ? [] : [[{ text: "Next: ", tone: "strong" }, hint]]
  );
}
