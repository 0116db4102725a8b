/**
 * Revisions as they are sent.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { McpError } from "../../../lib/errors.ts";
import type { RevisionInfoSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { RevisionRecord } from "../../registry/history.ts";
import type { Registry } from "../../registry/registry.ts";
import { getService } from "../../registry/services.ts";

/** @param kept Ids of the images that are on the node, and stay. */
export function revisionToWire(
  revision: RevisionRecord,
  kept: ReadonlySet<string>,
): MessageInitShape<typeof RevisionInfoSchema> {
  const { finishedAt } = revision;
  return {
    number: revision.number,
    actor: revision.actor,
    started: timestampFromDate(revision.startedAt),
    ...(finishedAt === undefined ? {} : { finished: timestampFromDate(finishedAt) }),
    outcome: revision.outcome,
    origin: revision.origin,
    components: revision.components.map((part) => ({
      name: part.spec.name,
      image: part.spec.image,
      imageDigest: part.imageDigest,
      outcome: part.outcome,
      error: part.error,
      current: part.isCurrent,
      imageKept: part.imageId !== "" && kept.has(part.imageId),
    })),
  };
}

/**
 * Refuses a service without a single revision that the node does not know either.
 *
 * @throws {McpError} `not_found`
 */
export function requireHistory(registry: Registry, service: string): void {
  if (getService(registry, service) !== undefined) return;
  throw new McpError("not_found", `There is no service "${service}" on this node`, {
    hint: "Run `mcp list` for those there are",
  });
}
