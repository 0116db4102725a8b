/**
 * Deploy: the spec is checked whole before anything moves, then rolled out.
 *
 * @module
 */

import type { Answer } from "./call.ts";
import { outcomesToWire } from "./outcomes.ts";
import { requireSecretValues } from "./secret_values.ts";
import { fingerprintOf, requireWanted } from "./wanted.ts";

/**
 * The rollout belongs to the node once it has begun: a caller that goes away
 * does not stop it half-way.
 */
export const deploy: Answer<"deploy"> = async (
  { rollout, operations, files },
  request,
  { caller },
) => {
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
};
