/**
 * Finds the containers that are not as they were deployed.
 *
 * Components that a rollout is moving, or has moved since the containers were listed, are left to
 * that rollout. What the runtime cannot be asked about is no drift.
 *
 * @module
 */

import type { FieldDifference } from "../../../lib/domain/spec_difference.ts";
import { errorChain, McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { Registry } from "../../registry/registry.ts";
import { secretNames } from "../../registry/secrets.ts";
import { type ComponentRecord, listServices } from "../../registry/services.ts";
import type { ServiceLocks } from "../../locks/service_locks.ts";
import type { Descriptions } from "./descriptions.ts";
import { fieldDrift } from "./drift.ts";
import type { Look } from "./observe.ts";

interface FieldDriftsOptions {
  readonly registry: Registry;
  readonly locks: Pick<ServiceLocks, "touchedSince">;
  readonly descriptions: Descriptions;
}

/** Compares containers with what they were deployed as. */
export class FieldDrifts {
  readonly #options: FieldDriftsOptions;

  constructor(options: FieldDriftsOptions) {
    this.#options = options;
  }

  /**
   * What differs, by "service/component"; components without a difference are left out.
   *
   * @param look.mark Undefined: who asks has the lock of the service that is meant.
   * @param service The only service that is meant; undefined = all.
   */
  async find(
    look: Pick<Look, "listing"> & { readonly mark: Look["mark"] | undefined },
    service: string | undefined,
  ): Promise<ReadonlyMap<string, readonly FieldDifference[]>> {
    const { registry, locks, descriptions } = this.#options;
    const idOf = new Map(look.listing.map(({ name, id }) => [name, id]));
    const wanted = () => managed(registry, service).filter(({ container }) => idOf.has(container));
    const ids = wanted().map(({ container }) => idOf.get(container) ?? "");
    let described: Awaited<ReturnType<Descriptions["of"]>>;
    try {
      described = await descriptions.of(ids, new Set(idOf.values()));
    } catch (error) {
      if (!(error instanceof McpError)) throw error;
      log.podman.warn("Cannot compare containers with what they were deployed as: {reason}", {
        reason: errorChain(error),
      });
      return new Map();
    }
    // Read anew, and in one step with the question who is moving: what was deployed meanwhile is
    // not what was listed.
    return new Map(
      wanted()
        .filter(({ service, spec }) =>
          look.mark === undefined || !locks.touchedSince(look.mark, service, spec.name)
        )
        .map((record) => {
          const found = described.get(idOf.get(record.container) ?? "");
          const { deployment } = record;
          const fields = found === undefined || deployment === undefined ? [] : fieldDrift(
            {
              ...deployment,
              secretNames: secretNames(registry, record.service, deployment.secrets),
              isOurs: deployment.origin !== "adopt",
            },
            found,
          );
          return [`${record.service}/${record.spec.name}`, fields] as const;
        })
        .filter(([_, fields]) => fields.length > 0),
    );
  }
}

/** Components whose containers MCP answers for. */
function managed(registry: Registry, service: string | undefined): ComponentRecord[] {
  return listServices(registry)
    .filter(({ name }) => service === undefined || name === service)
    .flatMap(({ components }) => components)
    .filter(({ desired, deployment }) => desired !== "ignore" && deployment !== undefined);
}
