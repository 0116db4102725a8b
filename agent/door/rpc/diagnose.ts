/**
 * Diagnose: what is wrong with the node, as far as its agent can see.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { findingToWire } from "../../../lib/wire/findings.ts";
import type { DiagnoseRequest, DiagnoseResponseSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { Rooms } from "./rooms.ts";

/** The agent's findings, and its clock around them. */
export async function diagnose(
  { doctor, clock }: Rooms,
  _request: DiagnoseRequest,
): Promise<MessageInitShape<typeof DiagnoseResponseSchema>> {
  const askedAt = clock.now();
  const findings = await doctor.diagnose();
  return {
    findings: findings.map(findingToWire),
    askedAt: timestampFromDate(askedAt),
    answeredAt: timestampFromDate(clock.now()),
  };
}
