/**
 * GetRevision: what one revision was made from.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { requireName } from "../../../lib/domain/names.ts";
import { McpError } from "../../../lib/errors.ts";
import { specToWire } from "../../../lib/wire/specs.ts";
import type {
  GetRevisionRequest,
  GetRevisionResponseSchema,
} from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { getRevision as readRevision } from "../../registry/history.ts";
import { requireHistory, revisionToWire } from "./revision_info.ts";
import type { Rooms } from "./rooms.ts";

/** One revision, with the specs of its components. */
export async function getRevision(
  { registry, images }: Rooms,
  request: GetRevisionRequest,
): Promise<MessageInitShape<typeof GetRevisionResponseSchema>> {
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
}
