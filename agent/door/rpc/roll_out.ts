/**
 * RollOut: deploys, or goes back to a revision, and tells each step as it is taken.
 *
 * @module
 */

import { requireName } from "../../../lib/domain/names.ts";
import type { DeployOptions, Watcher } from "../../change/rollout/deploy.ts";
import type { Send } from "./call.ts";
import { sendOperation } from "./outcomes.ts";
import { requireNoSecretValues, requireSecretValues } from "./secret_values.ts";
import { fingerprintOf, requireWanted } from "./wanted.ts";

/** It goes on when its caller goes away: `AttachRollOut` tells its steps from the first again. */
export const rollOut: Send<"rollOut"> = async (
  { rollout, operations, files },
  request,
  { caller, signal },
  send,
) => {
  const { operationId: id, planId, recreate, revision } = request;
  const options = (watcher: Watcher): DeployOptions => ({
    keepUnchanged: !recreate,
    mayStartFirst: true,
    planId: planId === "" ? undefined : planId,
    watcher,
  });
  const operation = revision === 0 ? await beginDeploy() : await beginRollBack();
  await sendOperation(operation, signal, send);

  async function beginDeploy() {
    const { spec, only } = await requireWanted(request.service, request.component, files);
    const secrets = requireSecretValues(request.secrets, spec);
    return await operations.begin({
      id,
      service: spec.name,
      fingerprint: fingerprintOf("roll out", spec, only, planId, recreate),
      run: (watcher) => rollout.deploy(spec, only, caller, { ...options(watcher), secrets }),
    });
  }

  async function beginRollBack() {
    requireNoSecretValues(request.secrets);
    const service = requireName("service", request.service?.name ?? "");
    const only = request.component === "" ? undefined : request.component;
    return await operations.begin({
      id,
      service,
      fingerprint: fingerprintOf("roll back", service, only, revision, planId, recreate),
      run: (watcher) => rollout.rollBack(service, revision, only, caller, options(watcher)),
    });
  }
};
