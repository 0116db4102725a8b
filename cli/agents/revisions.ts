/**
 * What was deployed of a service, and which of it one would go back to.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import type { RevisionInfo } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import type { CommandContext } from "../command.ts";
import type { Node } from "../settings/config.ts";
import { type Answer, answered } from "./fan_out.ts";
import { findService } from "./find_service.ts";

/** Asks every node, or the one that is named; also of a service that was removed. */
export async function revisionsOf(
  context: Pick<CommandContext, "agents" | "clock" | "nodes" | "progress" | "interrupted">,
  service: string,
  { node, limit, timeoutMs }: {
    readonly node: string | undefined;
    readonly limit: number;
    readonly timeoutMs: number;
  },
): Promise<Answer<readonly RevisionInfo[]>[]> {
  return await findService(
    context,
    await context.nodes(node),
    service,
    async (agent, call) => (await agent.listRevisions({ service, limit }, call)).revisions,
    { timeoutMs },
  );
}

/** The only node that has a history of the service. */
export function onlyHistory(
  service: string,
  answers: readonly Answer<readonly RevisionInfo[]>[],
): { readonly node: Node; readonly value: readonly RevisionInfo[] } {
  const [first, ...others] = answered(answers);
  if (first === undefined) throw new Error("findService() found nothing and did not say so");
  if (others.length === 0) return first;
  const names = answered(answers).map(({ node }) => `"${node.name}"`).join(" and ");
  throw new McpError("conflict", `The nodes ${names} both have a history of "${service}"`, {
    hint: "Say which with --node",
  });
}

const good = ["succeeded", "kept"];

/**
 * The revision to go back to: the newest good one before what runs now, that has all of its
 * components, or the one that is named.
 */
export function lastGoodBefore(
  revisions: readonly RevisionInfo[],
  component: string | undefined,
): RevisionInfo | undefined {
  const wanted = (revision: RevisionInfo) =>
    revision.components.filter(({ name }) => component === undefined || name === component);
  const current = revisions.find((revision) => wanted(revision).some((part) => part.current));
  const needed = current === undefined ? [] : wanted(current).map(({ name }) => name);
  return revisions.find((revision) =>
    (current === undefined || revision.number < current.number) &&
    wanted(revision).length > 0 &&
    wanted(revision).every(({ outcome }) => good.includes(outcome)) &&
    needed.every((name) => revision.components.some((part) => part.name === name))
  );
}
