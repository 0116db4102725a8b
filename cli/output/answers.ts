/**
 * What several nodes said, for people and for scripts; a silent node is shown as one.
 *
 * @module
 */

import { errorChain } from "../../lib/errors.ts";
import { type Answer, type Answered, unanswered } from "../agents/fan_out.ts";
import type { Report } from "../command.ts";
import { type ExitCode, exitCodeOfNodes } from "./exit_code.ts";
import { failureJson } from "./failure.ts";
import type { JsonObject } from "./json.ts";
import type { Block } from "./screen.ts";
import type { Line, Span } from "./screen_text.ts";
import type { Table } from "./table.ts";

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

/** How a table of several nodes is made of their answers. */
interface GrowingTable<Value> {
  readonly columns: readonly string[];
  /** The cells behind the node's name, one row each. */
  readonly toRows: (value: Value) => readonly (readonly Span[])[];
  readonly toJson: (value: Value) => JsonObject;
}

/**
 * What several nodes say, as a table that grows while they are asked: below those that live come those
 * that did not answer.
 */
export async function* growingTable<Value>(
  answers: AsyncGenerator<readonly Answered<Value>[], readonly Answer<Value>[]>,
  { columns, toRows, toJson }: GrowingTable<Value>,
): AsyncGenerator<readonly Block[], Report> {
  let shown: Table | undefined;
  const grown = (more: readonly Answer<Value>[]): readonly Block[] => {
    const rows = nodesRows(more, toRows);
    const below = shown;
    shown = { columns, rows: [...(below?.rows ?? []), ...rows] };
    return [{ columns, rows, below }];
  };
  for (;;) {
    const { done, value } = await answers.next();
    if (!done) {
      yield grown(value);
      continue;
    }
    yield grown(unanswered(value));
    const next = nextLines(value);
    return {
      // An empty line sets it off from the table.
      screen: next.length === 0 ? [] : [[[""], ...next]],
      json: { nodes: nodesJson(value, toJson) },
      exitCode: exitCodeOfAnswers(value),
    };
  }
}

/** What to do about the nodes that failed; each piece of advice once. */
export function nextLines(answers: readonly Answer<unknown>[]): Line[] {
  const hints = new Set(unanswered(answers).map(({ error }) => error.hint));
  return [...hints].flatMap((hint): Line[] =>
    hint === undefined ? [] : [[{ text: "Next: ", tone: "strong" }, hint]]
  );
}
