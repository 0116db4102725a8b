/**
 * PlanDeploy: what a deploy of the same would do.
 *
 * @module
 */

import { requireName } from "../../../lib/domain/names.ts";
import type { Answer } from "./call.ts";
import { requireNoSecretValues, requireSecretValues } from "./secret_values.ts";
import { requireWanted } from "./wanted.ts";

/** Fetches images, because what a tag means is part of the plan; changes nothing else. */
export const planDeploy: Answer<"planDeploy"> = async ({ rollout, files }, request) => {
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
};
