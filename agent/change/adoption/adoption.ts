/**
 * Gives containers that MCP did not make to a service. Nothing is restarted or changed.
 *
 * @module
 */

import { formatComplaint } from "../../../lib/domain/complaint.ts";
import { complaintsAboutComponent } from "../../../lib/domain/component_complaints.ts";
import { errorChain, McpError } from "../../../lib/errors.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import type { Registry } from "../../registry/registry.ts";
import { beginRevision, finishComponent, finishRevision } from "../../registry/revisions.ts";
import {
  type ComponentRecord,
  listServices,
  recordSighting,
  recordVersion,
  rehomeComponent,
} from "../../registry/services.ts";
import { imageVersion } from "../../../lib/domain/image.ts";
import type { ServiceLocks } from "../../locks/service_locks.ts";
import type { ContainerDescription, ContainerRuntime } from "../../runtime/runtime.ts";
import { type Claim, claimsOf } from "../../watch/reconcile/claims.ts";
import type { Observer } from "../../watch/reconcile/observe.ts";

interface AdoptionOptions {
  readonly registry: Registry;
  readonly runtime: Pick<ContainerRuntime, "describe" | "inspect">;
  readonly observer: Pick<Observer, "observeAnew">;
  readonly locks: Pick<ServiceLocks, "acquire">;
  readonly clock: Clock;
  readonly recovered: () => Promise<void>;
}

/** What became of one container that the service name matches. */
interface AdoptionOutcome {
  readonly container: string;
  readonly component: string;
  /** Why it was not adopted; empty when it was. */
  readonly error: string;
  /** What no spec can say of it. */
  readonly unexpressed: readonly string[];
}

interface Described {
  readonly claim: Claim;
  readonly record: ComponentRecord;
  readonly description: ContainerDescription;
  readonly imageId: string;
}

/** Adopts containers. */
export class Adoption {
  readonly #options: AdoptionOptions;

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  /**
   * Adopts every container that the service name claims, each for itself: one that cannot be
   * adopted does not keep the others from it.
   *
   * @param options.dryRun Says what would be adopted, and changes nothing.
   * @throws {McpError} `not_found` when the name matches no container.
   */
  async adopt(
    service: string,
    options: { readonly dryRun: boolean; readonly actor: string },
  ): Promise<AdoptionOutcome[]> {
    const { registry, observer, locks, recovered } = this.#options;
    await recovered();
    await observer.observeAnew();
    const services = listServices(registry);
    const records = services.flatMap(({ components }) => components);
    const claims = claimsOf(
      service,
      records.map((record) => ({
        container: record.container,
        service: record.service,
        component: record.spec.name,
        desired: record.desired,
        exists: record.observed !== "removed",
      })),
      services.filter(({ components }) => components.some(({ desired }) => desired !== "ignore"))
        .map(({ name }) => name),
    );
    if (claims.length === 0) {
      throw new McpError(
        "not_found",
        `There is no container "${service}" or "${service}-…" that is not managed already`,
        { hint: "Run `mcp ps --all` for the containers there are" },
      );
    }
    using _lock = locks.acquire(service, {
      verb: "adopt",
      actor: options.actor,
      components: claims.map(({ component }) => component),
    });
    const results = await Promise.all(claims.map((claim) => this.#describe(claim, records)));
    const described = results.filter((result) => "description" in result);
    if (!options.dryRun && described.length > 0) {
      this.#remember(service, described, options.actor);
    }
    return results.map((result) =>
      "description" in result
        ? { ...result.claim, error: "", unexpressed: result.description.unexpressed }
        : result
    );
  }

  async #describe(
    claim: Claim,
    records: readonly ComponentRecord[],
  ): Promise<Described | AdoptionOutcome> {
    const { container, component } = claim;
    const failed = (error: string) => ({ container, component, error, unexpressed: [] });
    if (claim.refusal !== undefined) return failed(claim.refusal);
    const record = records.find((candidate) => candidate.container === container);
    if (record === undefined) throw new Error(`The claimed container ${container} has no record`);
    try {
      const description = await this.#options.runtime.describe(container, component);
      const complaints = complaintsAboutComponent(description.spec, []);
      if (complaints.length > 0) return failed(complaints.map(formatComplaint).join("; "));
      const detail = await this.#options.runtime.inspect(container);
      return { claim, record, description, imageId: detail?.imageId ?? "" };
    } catch (error) {
      if (!(error instanceof McpError)) throw error;
      return failed(errorChain(error));
    }
  }

  #remember(service: string, described: readonly Described[], actor: string): void {
    const { registry, clock } = this.#options;
    registry.transaction(() => {
      const now = clock.now();
      for (const { record, claim, description: { spec } } of described) {
        const desired = record.observed === "running" ? "running" : "stopped";
        rehomeComponent(registry, { service: record.service, component: record.spec.name }, {
          service,
          spec,
          container: claim.container,
          desired,
          now,
        });
        recordSighting(registry, {
          service,
          component: spec.name,
          // What has ended is, from now on, as it is wanted.
          observed: desired === "stopped" ? "stopped" : record.observed,
          startedAt: record.startedAt,
          exitCode: undefined,
        }, now);
        recordVersion(registry, service, spec.name, imageVersion(spec.image));
      }
      const revision = beginRevision(registry, {
        service,
        component: undefined,
        components: described.map(({ description }) => description.spec),
        actor,
        origin: "adopt",
        now,
      });
      for (const { claim, imageId } of described) {
        finishComponent(registry, {
          service,
          revision,
          component: claim.component,
          outcome: "succeeded",
          imageId,
          error: "",
          now,
        });
      }
      finishRevision(registry, service, revision, "succeeded", now);
    });
  }
}
