/**
 * Findings ⇄ messages.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Finding, isLevel } from "../domain/finding.ts";
import type { Finding as FindingMessage, FindingSchema } from "../../proto/gen/mcp/v1/mcp_pb.ts";

/** A finding as a message. */
export function findingToWire(finding: Finding): MessageInitShape<typeof FindingSchema> {
  return { ...finding };
}

/** A message as a finding. A level that only a newer agent knows is not taken for well. */
export function findingFromWire({ id, level, what, why, fix }: FindingMessage): Finding {
  return { id, level: isLevel(level) ? level : "warning", what, why, fix };
}
