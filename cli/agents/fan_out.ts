/**
 * Ask every node at once; keep what answered, name what did not.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import type { Node } from "../config.ts";
import { Interrupted } from "../interrupted.ts";
import type { Progress } from "../output/progress.ts";
import type { Agents, AskOptions, Question } from "./agents.ts";

/** What became of the question to one node. */
export type Answer<Value> =
  | { readonly node: Node; readonly value: Value }
  | { readonly node: Node; readonly error: McpError };

/** What asking many nodes needs. */
export interface FanOutDeps {
  readonly agents: Agents;
  readonly progress: Progress;
  readonly interrupted: AbortSignal;
}

/**
 * Asks all nodes the same in parallel, and waits for each no longer than the deadline.
 *
 * A node's failure is part of the answer; a defect is not, and ends the command.
 *
 * @returns One answer per node, in the order of the nodes.
 * @throws {Interrupted} on Ctrl-C.
 */
export async function askAll<Value>(
  deps: FanOutDeps,
  nodes: readonly Node[],
  question: Question<Value>,
  options: AskOptions,
): Promise<Answer<Value>[]> {
  return await askEach(deps, nodes, () => question, options);
}

/** {@link askAll} with a question of its own for each node. */
export async function askEach<Value>(
  { agents, progress, interrupted }: FanOutDeps,
  nodes: readonly Node[],
  questionFor: (node: Node) => Question<Value>,
  options: AskOptions,
): Promise<Answer<Value>[]> {
  const waitingFor = new Set(nodes.map((node) => node.name));
  const answers = await progress.during(
    () => [`Waiting for ${[...waitingFor].join(", ")}`],
    Promise.all(nodes.map(async (node): Promise<Answer<Value>> => {
      try {
        return { node, value: await agents.ask(node, questionFor(node), options) };
      } catch (error) {
        if (error instanceof McpError) return { node, error };
        throw error;
      } finally {
        waitingFor.delete(node.name);
      }
    })),
  );
  if (interrupted.aborted) throw new Interrupted();
  return answers;
}

/** The answers with a value. */
export function answered<Value>(answers: readonly Answer<Value>[]) {
  return answers.filter((answer) => "value" in answer);
}

/** The answers without one. */
export function unanswered<Value>(answers: readonly Answer<Value>[]) {
  return answers.filter((answer) => "error" in answer);
}
