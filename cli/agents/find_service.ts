/**
 * Which nodes know a service.
 *
 * @module
 */

import { nearest } from "../../lib/domain/nearest.ts";
import { errorChain, McpError } from "../../lib/errors.ts";
import type { Node } from "../settings/config.ts";
import type { AskOptions, Question } from "./agents.ts";
import { type Answer, answered, askAll, type FanOutDeps, unanswered } from "./fan_out.ts";

/**
 * Asks every node about one service, and leaves out the nodes that do not know it.
 *
 * A node that fails is kept in the answers as long as another one knows the
 * service; when none does, its silence is the reason that nobody can tell.
 *
 * @param question Answers undefined, or fails with `not_found`, where the service is not known.
 * @param options.refuse Makes the error for a service that no node knows, from the name
 *   that was probably meant.
 * @throws {McpError} `not_found`, or `unavailable` when nobody can tell.
 */
export async function findService<Value>(
  deps: FanOutDeps,
  nodes: readonly Node[],
  service: string,
  question: Question<Value | undefined>,
  options: AskOptions & { readonly refuse?: (meant: string | undefined) => McpError },
): Promise<Answer<Value>[]> {
  const answers = await askAll(deps, nodes, question, options);
  const failed = unanswered(answers).filter(({ error }) => error.kind !== "not_found");
  const found = answered(answers).flatMap(({ node, value }) =>
    value === undefined ? [] : [{ node, value }]
  );
  if (found.length > 0) {
    const order = nodes.map((node) => node.name);
    return [...found, ...failed].sort((a, b) =>
      order.indexOf(a.node.name) - order.indexOf(b.node.name)
    );
  }
  const [firstFailed] = failed;
  if (firstFailed === undefined) {
    const meant = nearest(service, await otherServices(deps, nodes, service, options));
    throw options.refuse?.(meant) ??
      new McpError("not_found", `No node manages a service "${service}"`, {
        hint: meant === undefined ? "See `mcp list`" : `Did you mean "${meant}"?`,
      });
  }
  if (nodes.length === 1) throw firstFailed.error;
  const sameKind = failed.every(({ error }) => error.kind === firstFailed.error.kind);
  throw new McpError(
    sameKind ? firstFailed.error.kind : "unavailable",
    `Cannot tell which node has the service "${service}"`,
    {
      details: failed.map(({ error }) => errorChain(error)),
      hint: sameKind ? firstFailed.error.hint : undefined,
    },
  );
}

async function otherServices(
  deps: FanOutDeps,
  nodes: readonly Node[],
  service: string,
  options: AskOptions,
): Promise<string[]> {
  const lists = await askAll(
    deps,
    nodes,
    async (agent, call) => (await agent.listServices({}, call)).services,
    options,
  );
  return answered(lists)
    .flatMap(({ value }) => value.map(({ name }) => name))
    .filter((name) => name !== service);
}
