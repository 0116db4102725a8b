/**
 * StopService, StartService and RestartService: one request, one answer, three verbs.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { requireName } from "../../../lib/domain/names.ts";
import type { ServiceRequest, ServiceResponseSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { AuthenticatedCall } from "./call.ts";
import { outcomesToWire } from "./outcomes.ts";
import type { Rooms } from "./rooms.ts";

type Response = MessageInitShape<typeof ServiceResponseSchema>;

/** Wants every component stopped, then stops it. */
export async function stopService(
  { rollout }: Rooms,
  { name }: ServiceRequest,
  { caller }: AuthenticatedCall,
): Promise<Response> {
  return { results: outcomesToWire(await rollout.stop(requireName("service", name), caller)) };
}

/** Wants every component running, then starts it. */
export async function startService(
  { rollout }: Rooms,
  { name }: ServiceRequest,
  { caller }: AuthenticatedCall,
): Promise<Response> {
  return { results: outcomesToWire(await rollout.start(requireName("service", name), caller)) };
}

/** Restarts what should be running; changes no desired state. */
export async function restartService(
  { rollout }: Rooms,
  { name }: ServiceRequest,
  { caller }: AuthenticatedCall,
): Promise<Response> {
  return { results: outcomesToWire(await rollout.restart(requireName("service", name), caller)) };
}
