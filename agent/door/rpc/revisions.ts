/**
 * ListRevisions and GetRevision: what was deployed of a service, and what each was made from.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { requireName } from "../../../lib/domain/names.ts";
import { McpError } from "../../../lib/errors.ts";
import { specToWire } from "../../../lib/wire/specs.ts";
import type { RevisionInfoSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import {
  getRevision as readRevision,
  listRevisions as readRevisions,
} from "../../registry/history.ts";
import type { RevisionRecord } from "../../registry/history.ts";
import type { Registry } from "../../registry/registry.ts";
import { getService } from "../../registry/services.ts";
import type { Answer } from "./call.ts";
import { noSuchService } from "./known_service.ts";

const usual = 20;
const most = 1_000;

/** The revisions that the registry remembers, newest first; also of a service that was removed. */
export const listRevisions: Answer<"listRevisions"> = async ({ registry, images }, request) => {
  const service = requireName("service", request.service);
  const limit = request.limit === 0 ? usual : Math.min(request.limit, most);
  const revisions = readRevisions(registry, service, limit);
  if (revisions.length === 0) requireHistory(registry, service);
  const kept = await images.kept();
  return { revisions: revisions.map((revision) => revisionToWire(revision, kept)) };
};

/** One revision, with the specs of its components. */
export const getRevision: Answer<"getRevision"> = async ({ registry, images }, request) => {
  const name = requireName("service", request.service);
  const revision = readRevision(registry, name, request.number);
  if (revision === undefined) {
    requireHistory(registry, name);
    throw new McpError("not_found", `There is no revision ${request.number} of "${name}"`, {
      hint: `Run \`mcp history ${name}\` for those there are`,
    });
  }
  const components = revision.components.map(({ spec }) => spec);
  return {
    revision: revisionToWire(revision, await images.kept()),
    spec: specToWire({ name, active: true, components }),
  };
};

/** @param kept Ids of the images that are on the node, and stay. */
function revisionToWire(
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

/** Refuses a service without a single revision that the node does not know either. */
function requireHistory(registry: Registry, service: string): void {
  if (getService(registry, service) === undefined) throw noSuchService(service);
}
