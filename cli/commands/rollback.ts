/**
 * `mcp rollback` — puts back into service what an earlier revision was.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { McpError } from "../../lib/errors.ts";
import type { RevisionInfo } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { lastGoodBefore, onlyHistory, revisionsOf } from "../agents/revisions.ts";
import {
  dryRunFlag,
  nodeOption,
  revisionArgument,
  targetArgument,
  timeoutOption,
  yesFlag,
} from "../command_line/arguments.ts";
import { command } from "../command.ts";
import { rollOut, rolloutTimeoutMs } from "./rollout.ts";

/** As many as a node gives out. */
const mostRevisions = 1_000;
const longestLookupMs = 10_000;

export const rollback = command({
  path: ["rollback"],
  summary: "Put back into service what an earlier revision was",
  description:
    "The very images, by their digests, with all that the revision said. Without a revision: the last good one before what runs now. On a terminal it shows the plan and asks. It is a rollout like any other, and a revision of its own: the definition file stays as it is, and the next deploy does what it says.",
  examples: [
    { line: "mcp rollback metacrypt", effect: "to the last good revision" },
    { line: "mcp rollback metacrypt/web 4", effect: "one component, to what it was in revision 4" },
    { line: "mcp rollback metacrypt --dry-run", effect: "only show what that would do" },
  ],
  parser: object({
    target: targetArgument(),
    revision: optional(revisionArgument("The revision to go back to; see mcp history")),
    node: nodeOption("The node, when several have a history of the service"),
    dryRun: dryRunFlag("Show the plan and change nothing"),
    yes: yesFlag(),
    timeoutMs: timeoutOption(rolloutTimeoutMs),
  }),

  async run(context, { target: { service, component }, revision, node: only, ...how }) {
    const answers = await revisionsOf(context, service, {
      node: only,
      limit: mostRevisions,
      timeoutMs: Math.min(how.timeoutMs, longestLookupMs),
    });
    const { node, value: revisions } = onlyHistory(service, answers);
    const subject = component === undefined ? service : `${service}/${component}`;
    const meant = revision === undefined
      ? requireGood(lastGoodBefore(revisions, component), subject, service)
      : requireRevision(revisions, revision, service);
    const names = meant.components.map(({ name }) => name)
      .filter((name) => component === undefined || name === component);
    if (names.length === 0) {
      throw new McpError(
        "not_found",
        `Revision ${meant.number} of "${service}" has no component "${component}"`,
        { hint: `Run \`mcp history ${service}\`` },
      );
    }
    return await rollOut(context, {
      node,
      service,
      component,
      spec: { name: service },
      revision: meant.number,
      recreate: false,
      names,
      question: `Roll ${subject} back to revision ${meant.number} on ${node.name}?`,
      command: `mcp rollback ${subject} ${meant.number}`,
      from: `as it was in revision ${meant.number}`,
      json: { origin: "rollback", rolled_back_to: meant.number },
    }, { ...how, planId: undefined });
  },
});

function requireGood(
  found: RevisionInfo | undefined,
  subject: string,
  service: string,
): RevisionInfo {
  if (found !== undefined) return found;
  throw new McpError("not_found", `There is no good revision of "${subject}" to go back to`, {
    hint: `\`mcp history ${service}\` shows those there are`,
  });
}

function requireRevision(
  revisions: readonly RevisionInfo[],
  number: number,
  service: string,
): RevisionInfo {
  const found = revisions.find((revision) => revision.number === number);
  if (found !== undefined) return found;
  throw new McpError("not_found", `There is no revision ${number} of "${service}"`, {
    hint: `\`mcp history ${service}\` shows those there are`,
  });
}
