/**
 * PlanDeploy: what a deploy of the same would do.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { requireName } from "../../../lib/domain/names.ts";
import type {
  PlanDeployRequest,
  PlanDeployResponseSchema,
} from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { Rooms } from "./rooms.ts";
import { requireNoSecretValues, requireSecretValues } from "./secret_values.ts";
import { requireWanted } from "./wanted.ts";

/** Fetches images, because what a tag means is part of the plan; changes nothing else. */
export async function planDeploy(
  { rollout, files }: Rooms,
  request: PlanDeployRequest,
): Promise<MessageInitShape<typeof PlanDeployResponseSchema>> {
  const { recreate } = request;
  const { planId, decisions } = request.revision === 0 ? await planSpec() : await planRevision();
  return {
    planId,
    components: decisions.map((decision) => ({
      name: decision.component,
      action: decision.action,
      differences: decision.differences.map(({ field, before, after }) => ({
        field,
        deployed: before,
        declared: after,
      })),
      order: decision.order ?? "",
      downtimeReason: decision.downtimeReason,
      lastDowntimeMs: decision.lastDowntimeMs ?? 0,
      imageDigest: decision.imageDigest,
      notes: [...decision.notes],
    })),
  };

  async function planRevision() {
    requireNoSecretValues(request.secrets);
    const service = requireName("service", request.service?.name ?? "");
    const only = request.component === "" ? undefined : request.component;
    return await rollout.planRollBack(service, request.revision, only, { recreate });
  }

  async function planSpec() {
    const { spec, only } = await requireWanted(request.service, request.component, files);
    const secrets = requireSecretValues(request.secrets, spec);
    return await rollout.plan(spec, only, { recreate, secrets });
  }
}
