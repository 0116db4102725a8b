/**
 * Ask every node at once; keep what answered, name what did not.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import type { Clock } from "../../lib/system/clock.ts";
import type { Node } from "../settings/config.ts";
import { Interrupted } from "../terminal/interrupted.ts";
import type { Label, Progress } from "../output/progress.ts";
import type { Agents, AskOptions, Question } from "./agents.ts";
import { DialPlaces } from "./dial_places.ts";

/** What became of the question to one node. */
export type Answer<Value> = Answered<Value> | { readonly node: Node; readonly error: McpError };

/** A node's answer. */
export interface Answered<Value> {
  readonly node: Node;
  readonly value: Value;
}

/** What asking many nodes needs. */
export interface FanOutDeps {
  readonly agents: Agents;
  readonly clock: Pick<Clock, "sleep">;
  readonly progress: Progress;
  readonly interrupted: AbortSignal;
}

/** So many nodes are dialled at once: each connection is a file, and memory, of this workstation's. */
const placesAtOnce = 64;
/** A node that is silent for longer is waited for, but holds up no other. */
const patienceMs = 1_000;
/** When for so long no other node has answered, those that have are shown. */
const lullMs = 250;

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
  deps: FanOutDeps,
  nodes: readonly Node[],
  questionFor: (node: Node) => Question<Value>,
  options: AskOptions,
): Promise<Answer<Value>[]> {
  const asked = ask(deps, nodes, questionFor, options);
  const answers = await deps.progress.during(asked.labels, asked.answers);
  if (deps.interrupted.aborted) throw new Interrupted();
  return answers;
}

/**
 * {@link askAll}, telling what has come whenever nothing more comes for a moment: who lives is not kept
 * waiting for the dead.
 *
 * @yields Answers with a value, in the order of the nodes, as far as they have come together.
 * @returns As {@link askAll}.
 */
export async function* askInParts<Value>(
  deps: FanOutDeps,
  nodes: readonly Node[],
  question: Question<Value>,
  options: AskOptions,
): AsyncGenerator<readonly Answered<Value>[], Answer<Value>[]> {
  const { clock, progress, interrupted } = deps;
  const untold: Answered<Value>[] = [];
  let isOver = false;
  let news = Promise.withResolvers<void>();
  const asked = ask(deps, nodes, () => question, options, (answer) => {
    if ("value" in answer) untold.push(answer);
    news.resolve();
  });
  const end = () => {
    isOver = true;
    news.resolve();
  };
  asked.answers.then(end, end);
  const lull = async () => {
    while (!isOver) {
      await news.promise;
      if (isOver) return;
      news = Promise.withResolvers();
      const broken = new AbortController();
      const quiet = clock.sleep(lullMs, broken.signal).then(() => true);
      const isQuiet = await Promise.race([quiet, news.promise.then(() => false)]);
      broken.abort();
      if (isQuiet && untold.length > 0) return;
    }
  };
  while (!isOver) {
    await progress.during(asked.labels, lull());
    if (interrupted.aborted) throw new Interrupted();
    const order = (each: Answered<Value>) => nodes.indexOf(each.node);
    if (untold.length > 0) yield untold.splice(0).sort((a, b) => order(a) - order(b));
  }
  return await asked.answers;
}

/**
 * Begins to ask.
 *
 * @param heard Told each answer when it comes.
 */
function ask<Value>(
  { agents, clock }: FanOutDeps,
  nodes: readonly Node[],
  questionFor: (node: Node) => Question<Value>,
  options: AskOptions,
  heard: (answer: Answer<Value>) => void = () => {},
): { readonly answers: Promise<Answer<Value>[]>; readonly labels: () => readonly Label[] } {
  const waitingFor = new Set(nodes.map((node) => node.name));
  const places = new DialPlaces(clock, { count: placesAtOnce, patienceMs });
  const answerOf = async (node: Node): Promise<Answer<Value>> => {
    try {
      return { node, value: await agents.ask(node, questionFor(node), options) };
    } catch (error) {
      if (error instanceof McpError) return { node, error };
      throw error;
    } finally {
      waitingFor.delete(node.name);
    }
  };
  return {
    answers: Promise.all(nodes.map(async (node) => {
      const answer = await places.take(() => answerOf(node));
      heard(answer);
      return answer;
    })),
    labels: () => [`Waiting for ${[...waitingFor].join(", ")}`],
  };
}

/** The answers with a value. */
export function answered<Value>(answers: readonly Answer<Value>[]) {
  return answers.filter((answer) => "value" in answer);
}

/** The answers without one. */
export function unanswered<Value>(answers: readonly Answer<Value>[]) {
  return answers.filter((answer) => "error" in answer);
}
