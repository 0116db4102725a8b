/**
 * Deploy: the spec is checked whole before anything moves, then rolled out.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DeployRequest, DeployResponseSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { AuthenticatedCall } from "./call.ts";
import { outcomesToWire } from "./outcomes.ts";
import type { Rooms } from "./rooms.ts";
import { requireSecretValues } from "./secret_values.ts";
import { fingerprintOf, requireWanted } from "./wanted.ts";

/**
 * The rollout belongs to the node once it has begun: a caller that goes away
 * does not stop it half-way.
 */
export async function deploy(
  { rollout, operations, files }: Rooms,
  request: DeployRequest,
  { caller }: AuthenticatedCall,
): Promise<MessageInitShape<typeof DeployResponseSchema>> {
  const { spec, only } = await requireWanted(request.service, request.component, files);
  const { keepUnchanged } = request;
  const secrets = requireSecretValues(request.secrets, spec);
  const operation = await operations.begin({
    id: request.operationId,
    service: spec.name,
    fingerprint: fingerprintOf("deploy", spec, only, keepUnchanged),
    run: (watcher) => rollout.deploy(spec, only, caller, { keepUnchanged, secrets, watcher }),
  });
  const { revision, outcomes } = await operation.result();
  return { revision, results: outcomesToWire(outcomes) };
}
