/**
 * Deploy: the spec is checked whole before anything moves, then rolled out.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { McpError } from "../../lib/errors.ts";
import { outcomesToWire } from "./outcomes.ts";
import { requireSpec } from "../../lib/wire/specs.ts";
import type { DeployRequest, DeployResponseSchema } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { requireNoOwnVolumes } from "../service_files/volumes.ts";
import type { AuthenticatedCall } from "./interceptors/authenticate.ts";
import type { Rooms } from "./rooms.ts";

/**
 * The rollout belongs to the node once it has begun: a caller that goes away
 * does not stop it half-way.
 */
export async function deploy(
  { rollout, files }: Rooms,
  request: DeployRequest,
  { caller }: AuthenticatedCall,
): Promise<MessageInitShape<typeof DeployResponseSchema>> {
  const spec = requireSpec(request.service);
  const only = request.component === "" ? undefined : request.component;
  const names = spec.components.map(({ name }) => name);
  if (only !== undefined && !names.includes(only)) {
    throw new McpError(
      "invalid",
      `Cannot deploy "${spec.name}/${only}": the spec has no such component`,
      { hint: `Its components are ${names.join(", ")}` },
    );
  }
  await requireNoOwnVolumes(spec, files);
  const { revision, outcomes } = await rollout.deploy(spec, only, caller);
  return { revision, results: outcomesToWire(outcomes) };
}
