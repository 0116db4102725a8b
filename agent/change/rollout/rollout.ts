/**
 * Changes what runs: each verb is a file of its own, and takes the lock of the service it changes.
 *
 * @module
 */

import type { ServiceSpec } from "../../../lib/domain/service_spec.ts";
import type { SecretValues } from "../secrets/secrets.ts";
import { type DeployPlan, Plans } from "./assess.ts";
import type { Actor, RolloutOptions } from "./context.ts";
import { deploy, type DeployOptions, type DeployResult } from "./deploy.ts";
import type { ComponentOutcome } from "./execute.ts";
import { rollbackRequest } from "./images.ts";
import { changeState } from "./lifecycle.ts";
import { deployRequest } from "./request.ts";

/** Deploys, stops, starts and restarts services. */
export class Rollout {
  readonly #options: RolloutOptions;
  readonly #plans: Plans;

  constructor(options: RolloutOptions) {
    this.#options = options;
    this.#plans = new Plans(options);
  }

  /**
   * Puts a service, or one component of it, into service.
   *
   * A whole-service deploy also removes the components that MCP itself deployed
   * and the spec no longer lists.
   *
   * @throws {McpError} `conflict` when the service is being moved already, a container
   *   of its name belongs to somebody else, or it would not be what was planned;
   *   `invalid` when the node does not allow it. Then nothing has changed.
   */
  async deploy(
    spec: ServiceSpec,
    only: string | undefined,
    actor: Actor,
    options: DeployOptions = {},
  ): Promise<DeployResult> {
    const request = deployRequest(spec, only);
    return await deploy(this.#options, this.#plans, request, actor, options);
  }

  /**
   * Goes back to what an earlier revision made, by the very images of that time.
   *
   * @throws {McpError} as {@link deploy}; `not_found` when there is no such revision.
   */
  async rollBack(
    service: string,
    revision: number,
    only: string | undefined,
    actor: Actor,
    options: DeployOptions = {},
  ): Promise<DeployResult> {
    const request = rollbackRequest(this.#options.registry, service, revision, only);
    return await deploy(this.#options, this.#plans, request, actor, options);
  }

  /**
   * Says what a deploy would do. Fetches images where that is to be done, and changes nothing else.
   *
   * @throws {McpError} as {@link deploy}; `unavailable` when an image cannot be fetched.
   */
  async plan(
    spec: ServiceSpec,
    only: string | undefined,
    options: { readonly recreate: boolean; readonly secrets?: SecretValues },
  ): Promise<DeployPlan> {
    return await this.#plans.make(deployRequest(spec, only), options);
  }

  /** Says what going back would do; see {@link plan} and {@link rollBack}. */
  async planRollBack(
    service: string,
    revision: number,
    only: string | undefined,
    options: { readonly recreate: boolean },
  ): Promise<DeployPlan> {
    const request = rollbackRequest(this.#options.registry, service, revision, only);
    return await this.#plans.make(request, options);
  }

  /** Wants every component stopped, then stops it. */
  async stop(service: string, actor: Actor): Promise<readonly ComponentOutcome[]> {
    return await changeState(this.#options, "stop", service, actor);
  }

  /** Wants every component running, then starts it. */
  async start(service: string, actor: Actor): Promise<readonly ComponentOutcome[]> {
    return await changeState(this.#options, "start", service, actor);
  }

  /** Restarts what should be running; changes no desired state. */
  async restart(service: string, actor: Actor): Promise<readonly ComponentOutcome[]> {
    return await changeState(this.#options, "restart", service, actor);
  }
}
