/**
 * Changes what runs: intent first, then plans, then doing, then what came of it.
 *
 * Every verb takes the lock of the service, writes the intent in one transaction
 * before anything moves, looks at the runtime once, plans each component, and
 * carries the plans out side by side, but for those that depend on others: one
 * component failing does not stop those that do not need it.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { imageVersion } from "../../../lib/domain/image.ts";
import { containerName } from "../../../lib/domain/names.ts";
import type { ServiceSpec } from "../../../lib/domain/service_spec.ts";
import type { FieldDifference } from "../../../lib/domain/spec_difference.ts";
import { observedFromPodman } from "../../../lib/domain/state.ts";
import { errorChain, McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { FieldDrifts } from "../../watch/reconcile/field_drifts.ts";
import { nextName, previousName } from "../../watch/reconcile/ownership.ts";
import { appendEvent } from "../../registry/events.ts";
import type { Registry } from "../../registry/registry.ts";
import {
  beginRevision,
  finishComponent,
  finishRevision,
  lastDowntimes,
  type RevisionOutcome,
} from "../../registry/revisions.ts";
import {
  type ComponentRecord,
  declareService,
  forgetComponent,
  getService,
  ownerOfContainer,
  recordHealth,
  recordSighting,
  recordVersion,
  type ServiceRecord,
  wantComponent,
  wantService,
} from "../../registry/services.ts";
import { secretNames, type SecretVersions } from "../../registry/secrets.ts";
import type { ContainerDetail, ContainerStatus } from "../../runtime/runtime.ts";
import type { ChosenSecrets, Secrets, SecretValues } from "../secrets/secrets.ts";
import { type Allowance, requireAllowed } from "./allowed.ts";
import {
  type Candidate,
  decide,
  decideRemoval,
  type Decision,
  type Fingerprint,
  fingerprintOf,
  type ImageIdentity,
  planIdOf,
  whatMoved,
} from "./decide.ts";
import {
  type ComponentOutcome,
  execute,
  type ExecuteOptions,
  plainOutcome,
  type ProgressEvent,
  type Proved,
} from "./execute.ts";
import { requireOwn } from "./foreign.ts";
import { type Fetching, type ImageFinder, rollbackRequest } from "./images.ts";
import { inOrder, type Job } from "./in_order.ts";
import {
  type Order,
  planDeploy,
  planRemove,
  planRestart,
  planStart,
  planStop,
  type PlanSubject,
  type Target,
} from "./plan.ts";
import type { ComponentPlan } from "./steps.ts";
import type { ServiceLocks } from "../../locks/service_locks.ts";
import type { RolloutRequest } from "./request.ts";

/** What a rollout needs. */
export interface RolloutOptions extends ExecuteOptions, Allowance {
  /** Resolves when nothing that an earlier run of the agent left half-done is left. */
  readonly recovered: () => Promise<void>;
  readonly node: string;
  readonly registry: Registry;
  readonly locks: ServiceLocks;
  /** Fetches images and says what references mean. */
  readonly images: ImageFinder;
  readonly secrets: Pick<Secrets, "choose" | "keep" | "sweep">;
  /** Says which containers are not as they were deployed. */
  readonly fieldDrifts: Pick<FieldDrifts, "find">;
}

/** Who asks for a rollout. */
export interface Actor {
  readonly subject: string;
}

/** Who watches a rollout, and remembers it by its operation. */
export interface Watcher {
  readonly operation: string;
  /** The intent is written; called within that transaction. */
  begun(revision: number, components: readonly string[]): void;
  told(component: string, event: ProgressEvent): void;
  ended(outcome: ComponentOutcome): void;
  /** All of it has ended; called within the transaction that remembers it. */
  finished(revision: number, outcomes: readonly ComponentOutcome[]): void;
}

/** How a deploy is to go about it; what is left out is as it was from the first version on. */
export interface DeployOptions {
  /** Leave alone what is as it is asked for already. */
  readonly keepUnchanged?: boolean;
  /** Start the new container beside the old one where nothing is in its way. */
  readonly mayStartFirst?: boolean;
  /** Of the secrets that are mounted; one that is left out is taken as it is on the node. */
  readonly secrets?: SecretValues;
  /** The plan that this must be; undefined = whatever it is. */
  readonly planId?: string | undefined;
  readonly watcher?: Watcher | undefined;
}

/** What came of a deploy. */
export interface DeployResult {
  readonly revision: number;
  /** In the order of the spec, then what was removed. */
  readonly outcomes: readonly ComponentOutcome[];
}

/** What a deploy would do. */
interface DeployPlan {
  readonly planId: string;
  readonly decisions: readonly Decision[];
}

/** How many components of one service move at the same time. */
const parallelComponents = 8;
const noDrifts: Seen["drifts"] = new Map();
/** How many plans are remembered, to say what has moved since; one that is not is as good. */
const rememberedPlans = 100;

/** Deploys, stops, starts and restarts services. */
export class Rollout {
  readonly #options: RolloutOptions;
  /** What the latest plans stood on, by their ids. */
  readonly #plans = new Map<string, Fingerprint>();

  constructor(options: RolloutOptions) {
    this.#options = options;
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
    return await this.#rollOut(deployRequest(spec, only), actor, options);
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
    return await this.#rollOut(request, actor, options);
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
    return await this.#plan(deployRequest(spec, only), options);
  }

  /** Says what going back would do; see {@link plan} and {@link rollBack}. */
  async planRollBack(
    service: string,
    revision: number,
    only: string | undefined,
    options: { readonly recreate: boolean },
  ): Promise<DeployPlan> {
    const request = rollbackRequest(this.#options.registry, service, revision, only);
    return await this.#plan(request, options);
  }

  async #plan(
    request: RolloutRequest,
    options: { readonly recreate: boolean; readonly secrets?: SecretValues },
  ): Promise<DeployPlan> {
    const { registry, runtime, recovered, signal, images, locks, fieldDrifts } = this.#options;
    await recovered();
    this.#requireAllowed(request);
    const mark = locks.mark();
    const listing = await runtime.list(signal);
    requireOwn(registry, request.service, request.targets, listing);
    const chosen = await this.#chooseSecrets(request, options.secrets);
    const fetching = { past: request.images, pulls: new Map(), signal };
    await Promise.all(request.targets.map((target) => images.obtain(target, fetching)));
    const drifts = await fieldDrifts.find({ listing, mark }, request.service);
    const { decisions, fingerprint } = await this.#assess(
      request,
      { listing, chosen, drifts },
      options.recreate,
    );
    const planId = planIdOf(fingerprint);
    this.#plans.delete(planId);
    this.#plans.set(planId, fingerprint);
    for (const oldest of this.#plans.keys()) {
      if (this.#plans.size <= rememberedPlans) break;
      this.#plans.delete(oldest);
    }
    return { planId, decisions };
  }

  async #rollOut(
    request: RolloutRequest,
    actor: Actor,
    options: DeployOptions,
  ): Promise<DeployResult> {
    const { registry, clock, runtime, signal, locks } = this.#options;
    const { service, only, targets } = request;
    const { watcher } = options;
    await this.#options.recovered();
    this.#requireAllowed(request);
    const before = getService(registry, service);
    const unlisted = request.removesUnlisted ? unlistedComponents(before, request) : [];
    using _lock = locks.acquire(service, {
      verb: request.origin === "rollback" ? "rollback" : "deploy",
      actor: actor.subject,
      components: [...targets, ...unlisted.map((record) => record.spec)].map(({ name }) => name),
      operation: watcher?.operation,
    });
    const listing = await runtime.list(signal);
    requireOwn(registry, service, request.declared.components, listing);
    const dropped = droppedComponents(unlisted, listing);
    const chosen = await this.#chooseSecrets(request, options.secrets);
    // Who wants all of it made anew, one after the other, does not go by what is there.
    const goesByWhatIsThere = options.keepUnchanged === true || options.mayStartFirst === true ||
      options.planId !== undefined;
    const drifts = goesByWhatIsThere
      ? await this.#options.fieldDrifts.find({ listing, mark: undefined }, service)
      : noDrifts;
    const seen = { listing, chosen, drifts };
    if (options.planId !== undefined) await this.#requirePlan(options, request, seen);
    const question = { service, values: options.secrets ?? new Map() };
    const secrets = await this.#options.secrets.keep(question, chosen);

    const revision = registry.transaction(() => {
      const now = clock.now();
      // A container of one of these names may have been discovered once and be gone by now.
      for (const { name } of request.declared.components) {
        const owner = ownerOfContainer(registry, containerName(service, name));
        if (owner !== undefined && owner.service !== service) {
          forgetComponent(registry, owner.service, owner.component);
        }
      }
      declareService(registry, { ...request.declared, active: true }, now);
      for (const { name } of targets) wantComponent(registry, service, name, "running", now);
      const begun = beginRevision(registry, {
        service,
        component: only,
        components: targets,
        secrets,
        actor: actor.subject,
        origin: request.origin,
        now,
      });
      const names = [...targets.map(({ name }) => name), ...dropped.map(({ spec }) => spec.name)];
      watcher?.begun(begun, names);
      return begun;
    });

    const records = new Map(before?.components.map((record) => [record.spec.name, record]));
    const pulls: Fetching["pulls"] = new Map();
    const isAlone = targets.length + dropped.length === 1;
    const move = { ...seen, isAlone, request, revision, records, secrets, pulls, actor, options };
    const deploys = targets.map((spec): Job<ComponentOutcome> => ({
      name: spec.name,
      after: spec.dependsOn,
      run: async (ended) => {
        const outcome = await this.#deployComponent(spec, move, ended);
        watcher?.ended(outcome);
        return outcome;
      },
    }));
    const removals = dropped.map((record): Job<ComponentOutcome> => ({
      name: record.spec.name,
      after: [],
      run: async () => {
        const outcome = await this.#remove(record, move);
        watcher?.ended(outcome);
        return outcome;
      },
    }));
    try {
      const outcomes = await inOrder([...deploys, ...removals], parallelComponents);
      // Before anybody is told of the end: the next rollout may begin at once.
      await this.#options.secrets.sweep(service);
      registry.transaction(() => {
        finishRevision(registry, service, revision, summarize(outcomes), clock.now());
        watcher?.finished(revision, outcomes);
      });
      return { revision, outcomes };
    } catch (error) {
      // Only an abort or a defect ends up here: the runtime's failures are outcomes.
      finishRevision(registry, service, revision, "interrupted", clock.now());
      log.rollout.error("Deploy {revision} of {service} was interrupted", { revision, service });
      throw error;
    }
  }

  async #chooseSecrets(
    request: RolloutRequest,
    values: SecretValues = new Map(),
  ): Promise<ChosenSecrets> {
    const { service, targets, rollBackTo, secrets } = request;
    const before = getService(this.#options.registry, service);
    return await this.#options.secrets.choose({
      service,
      targets,
      records: new Map(before?.components.map((record) => [record.spec.name, record])),
      values,
      past: rollBackTo === undefined ? undefined : { revision: rollBackTo, versions: secrets },
    });
  }

  /**
   * What a component was adopted or deployed with may stay: what would be asked for was there before
   * this rollout. All else is asked about anew, also what goes back into service.
   */
  #requireAllowed({ service, targets }: RolloutRequest): void {
    const before = getService(this.#options.registry, service);
    requireAllowed(service, targets, this.#options, {
      verb: "deploy",
      had: (name) => before?.components.find(({ spec }) => spec.name === name)?.deployment?.spec,
    });
  }

  /** Refuses when what would be done is not what was planned. */
  async #requirePlan(
    { planId = "", keepUnchanged = false }: DeployOptions,
    request: RolloutRequest,
    seen: Seen,
  ): Promise<void> {
    const { fingerprint } = await this.#assess(request, seen, !keepUnchanged);
    if (planIdOf(fingerprint) === planId) return;
    throw new McpError(
      "conflict",
      `Cannot deploy "${request.service}" as planned: the plan ${planId} does not hold any more`,
      {
        details: whatMoved(this.#plans.get(planId), fingerprint),
        hint: `Run \`mcp plan ${request.service}\` again`,
      },
    );
  }

  /** What would be done, given the images that are on the node. */
  async #assess(
    request: RolloutRequest,
    seen: Seen,
    recreate: boolean,
  ): Promise<{ readonly decisions: readonly Decision[]; readonly fingerprint: Fingerprint }> {
    const { registry, serviceRoot, images } = this.#options;
    const { service, targets } = request;
    const { listing } = seen;
    const before = getService(registry, service);
    const records = new Map(before?.components.map((record) => [record.spec.name, record]));
    const downtimes = lastDowntimes(registry, service);
    const found = await Promise.all(targets.map((spec) => images.find(spec, request.images)));
    const candidates = targets.map((spec, place) =>
      this.#candidate(spec, request, { ...seen, records }, downtimes, found[place])
    );
    const unlisted = request.removesUnlisted ? unlistedComponents(before, request) : [];
    const dropped = droppedComponents(unlisted, listing).map(({ spec, container }) => ({
      component: spec.name,
      container: listing.find(({ name }) => name === container),
    }));
    return {
      decisions: [
        ...candidates.map((candidate) => decide(candidate, { recreate, serviceRoot })),
        ...dropped.map(({ component, container }) => decideRemoval(component, container?.status)),
      ],
      fingerprint: fingerprintOf({
        service,
        candidates,
        removals: dropped.map(({ component, container }) => ({
          component,
          containerId: container?.id ?? "",
        })),
        recreate,
        rollBackTo: request.rollBackTo,
      }),
    };
  }

  #candidate(
    spec: ComponentSpec,
    { service }: RolloutRequest,
    { listing, records, chosen, drifts }: Seen & Pick<Move, "records">,
    downtimes: ReadonlyMap<string, number>,
    image: ImageIdentity | undefined,
  ): Candidate {
    const record = records.get(spec.name);
    const deployment = record?.deployment;
    const container = listing.find(({ name }) => name === containerName(service, spec.name));
    return {
      spec,
      image,
      secrets: chosen.get(spec.name),
      deployed: deployment && {
        revision: deployment.revision,
        origin: deployment.origin,
        spec: deployment.spec,
        image: { id: deployment.imageId, digest: deployment.imageDigest },
        secrets: deployment.secrets,
      },
      container,
      drift: drifts.get(`${service}/${spec.name}`),
      sickness: record?.health === "unhealthy" ? record.lastProbe : undefined,
      lastDowntimeMs: downtimes.get(spec.name),
    };
  }

  /** Wants every component stopped, then stops it. */
  async stop(service: string, actor: Actor): Promise<readonly ComponentOutcome[]> {
    return await this.#forEach(service, "stop", actor, {
      want: "stopped",
      plan: (subject) => planStop(subject),
    });
  }

  /** Wants every component running, then starts it. */
  async start(service: string, actor: Actor): Promise<readonly ComponentOutcome[]> {
    return await this.#forEach(service, "start", actor, {
      want: "running",
      plan: (subject, record) => planStart(subject, this.#requireTarget(record, subject)),
    });
  }

  /** Restarts what should be running; changes no desired state. */
  async restart(service: string, actor: Actor): Promise<readonly ComponentOutcome[]> {
    return await this.#forEach(service, "restart", actor, {
      want: undefined,
      plan: (subject, record) => planRestart(subject, this.#requireTarget(record, subject)),
    });
  }

  async #forEach(
    service: string,
    verb: "stop" | "start" | "restart",
    actor: Actor,
    how: {
      readonly want: "running" | "stopped" | undefined;
      readonly plan: (subject: PlanSubject, record: ComponentRecord) => ComponentPlan;
    },
  ): Promise<readonly ComponentOutcome[]> {
    const { registry, clock, locks, runtime, signal } = this.#options;
    await this.#options.recovered();
    const components = managedComponents(registry, service)
      .filter(({ desired }) => verb !== "restart" || desired === "running");
    if (components.length === 0) {
      throw new McpError("conflict", `Cannot restart "${service}": all of it should be stopped`, {
        hint: `Run \`mcp start ${service}\``,
      });
    }
    using _lock = locks.acquire(service, {
      verb,
      actor: actor.subject,
      components: components.map(({ spec }) => spec.name),
    });
    const { want } = how;
    if (want !== undefined) {
      registry.transaction(() => wantService(registry, service, want, clock.now()));
    }
    const listing = await runtime.list(signal);
    const jobs = components.map((record): Job<ComponentOutcome> => ({
      name: record.spec.name,
      // Nothing has to wait with ending.
      after: verb === "stop" ? [] : (record.deployment?.spec ?? record.spec).dependsOn,
      run: async (ended) => {
        const { container, spec } = record;
        const subject = this.#subject(service, spec.name, listing, record);
        let plan: ComponentPlan;
        try {
          plan = how.plan(subject, record);
        } catch (error) {
          if (!(error instanceof McpError)) throw error;
          return failedOutcome(record, error);
        }
        const obstacle = brokenDependency(ended);
        if (obstacle !== undefined) {
          return plainOutcome(spec.name, container, "skipped", { error: obstacle });
        }
        let proved: Proved | undefined;
        const outcome = await execute(plan, this.#options, (found) => void (proved = found));
        await this.#recordSeen(service, record, verb, actor, proved);
        return outcome;
      },
    }));
    return await inOrder(jobs, parallelComponents);
  }

  /** Fetches the image, decides, does it, and remembers what came of it. */
  async #deployComponent(
    spec: ComponentSpec,
    move: Move,
    ended: ReadonlyMap<string, ComponentOutcome>,
  ): Promise<ComponentOutcome> {
    const { signal, images, serviceRoot } = this.#options;
    const { request, revision, listing, records, pulls, options: { watcher, ...options } } = move;
    const { service } = request;
    const container = containerName(service, spec.name);
    const record = records.get(spec.name);
    const tell = watcher && ((event: ProgressEvent) => watcher.told(spec.name, event));
    const finish = (outcome: ComponentOutcome) => {
      if (!outcome.success) this.#finish(move, spec, "failed", { error: outcome.error });
      log.rollout.info("Deploy {revision} of {service}/{component}: {result}", {
        revision,
        service,
        component: spec.name,
        result: outcome.success ? outcome.summary : outcome.error,
      });
      return outcome;
    };

    const obstacle = brokenDependency(ended) ?? absentDependency(spec, ended, move);
    if (obstacle !== undefined) {
      return finish(plainOutcome(spec.name, container, "skipped", { error: obstacle }));
    }
    let image: ImageIdentity;
    try {
      // What a plan stands on was fetched when it was made.
      const found = options.planId === undefined
        ? await images.obtain(spec, { past: request.images, pulls, signal, tell })
        : undefined;
      image = found ?? await images.require(spec, request.images);
    } catch (error) {
      if (signal.aborted || !(error instanceof McpError)) throw error;
      const verdict = error.isTimeout ? "timed_out" : "failed";
      const text = `${errorChain(error)}; nothing was changed`;
      const failed = finish(plainOutcome(spec.name, container, verdict, { error: text }));
      await this.#recordDeployed(spec.name, move);
      return failed;
    }
    const version = imageVersion(spec.image);
    const candidate = this.#candidate(spec, request, move, new Map(), image);
    const decision = decide(candidate, { recreate: options.keepUnchanged !== true, serviceRoot });
    if (decision.action === "keep") {
      this.#finish(move, spec, "kept", { image });
      const summary = `kept${version === "" ? "" : ` ${version}`}: it is as it was asked for`;
      return finish(plainOutcome(spec.name, container, "kept", { summary }));
    }
    const subject = this.#subject(service, spec.name, listing, record);
    const isOther = request.images.has(spec.name);
    const target: Target = {
      spec,
      revision,
      image: isOther ? image.id : undefined,
      secretNames: this.#secretNames(service, move.secrets.get(spec.name)),
    };
    const order: Order = options.mayStartFirst === true
      ? decision.order ?? "stop-first"
      : "stop-first";
    const plan = planDeploy(subject, target, { from: record?.version ?? "", to: version }, order);
    const { isAlone } = move;
    const outcome = await execute(plan, { ...this.#options, isAlone }, (proved) => {
      const wasServing = subject.status === "running";
      this.#options.registry.transaction(() => {
        this.#writeEnd(move, spec, "succeeded", {
          image: { id: proved.detail?.imageId ?? image.id, digest: image.digest },
          downtimeMs: wasServing ? proved.downtimeMs : undefined,
        });
        this.#writeSeen(service, spec.name, request.origin, move.actor, proved);
      });
    }, tell);
    const finished = finish(outcome);
    if (!outcome.success) await this.#recordDeployed(spec.name, move);
    return finished;
  }

  /** How a component ended; within a transaction. */
  #writeEnd(
    { request: { service }, revision }: Move,
    spec: ComponentSpec,
    outcome: ComponentEnd,
    found: FoundAtEnd,
  ): void {
    const { registry, clock } = this.#options;
    const component = spec.name;
    finishComponent(registry, {
      service,
      revision,
      component,
      outcome,
      imageId: found.image?.id ?? "",
      imageDigest: found.image?.digest ?? "",
      downtimeMs: found.downtimeMs,
      error: found.error ?? "",
      now: clock.now(),
    });
    if (outcome === "succeeded") {
      recordVersion(registry, service, component, imageVersion(spec.image));
    }
  }

  #finish(move: Move, spec: ComponentSpec, outcome: ComponentEnd, found: FoundAtEnd): void {
    this.#options.registry.transaction(() => this.#writeEnd(move, spec, outcome, found));
  }

  async #remove(record: ComponentRecord, move: Move): Promise<ComponentOutcome> {
    const { registry, clock } = this.#options;
    const { listing, actor, options: { watcher } } = move;
    const component = record.spec.name;
    const subject = this.#subject(record.service, component, listing, record);
    return await execute(
      planRemove(subject),
      this.#options,
      () =>
        registry.transaction(() => {
          if (record.observed !== "removed") {
            appendEvent(registry, {
              service: record.service,
              component,
              previous: record.observed,
              next: "removed",
              at: clock.now(),
              cause: `${move.request.origin} by ${actor.subject}`,
              actor: actor.subject,
            });
          }
          forgetComponent(registry, record.service, component);
        }),
      (event) => watcher?.told(component, event),
    );
  }

  /** Remembers what became of a component whose deploy has failed, with who did it. */
  async #recordDeployed(
    component: string,
    { request: { service, origin }, actor }: Move,
  ): Promise<void> {
    const record = getService(this.#options.registry, service)?.components
      .find(({ spec }) => spec.name === component);
    if (record !== undefined) await this.#recordSeen(service, record, origin, actor);
  }

  /**
   * Looks at a container after it was moved. A runtime that cannot be asked then
   * does not undo what was done: nothing is remembered but what was seen, and the
   * next look at the node tells.
   */
  async #look(container: string): Promise<ContainerDetail | undefined | "not seen"> {
    const { runtime, signal } = this.#options;
    try {
      return await runtime.inspect(container, signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof McpError)) throw error;
      log.rollout.warn("Cannot see what became of {container}: {reason}", {
        container,
        reason: errorChain(error),
      });
      return "not seen";
    }
  }

  /**
   * Remembers one component after it was moved, with who moved it.
   *
   * @param proved What was seen of it when it proved itself: it need not be looked at again.
   */
  async #recordSeen(
    service: string,
    { spec, container }: ComponentRecord,
    verb: string,
    actor: Actor,
    proved?: Proved,
  ): Promise<void> {
    const detail = proved?.detail ?? await this.#look(container);
    if (detail === "not seen") return;
    this.#options.registry.transaction(() =>
      this.#writeSeen(service, spec.name, verb, actor, { ...proved, detail })
    );
  }

  /** The same, within a transaction; what has no detail has no container. */
  #writeSeen(
    service: string,
    component: string,
    verb: string,
    actor: Actor,
    { detail, verdict, lastProbe = "" }: Pick<Proved, "detail"> & Partial<Proved>,
  ): void {
    const { registry, clock } = this.#options;
    const current = getService(registry, service)?.components
      .find(({ spec }) => spec.name === component);
    if (current === undefined) return;
    const observed = detail === undefined
      ? "removed"
      : observedFromPodman(detail.status, current.desired);
    const now = clock.now();
    recordSighting(registry, {
      service,
      component,
      observed,
      startedAt: observed === "running" ? detail?.startedAt : undefined,
      exitCode: observed === "exited" ? detail?.exitCode : undefined,
    }, now);
    const { healthcheck } = current.deployment?.spec ?? current.spec;
    recordHealth(registry, {
      service,
      component,
      health: healthcheck === undefined || observed !== "running"
        ? ""
        : verdict === "healthy"
        ? "healthy"
        : "starting",
      lastProbe,
    });
    if (observed === current.observed) return;
    appendEvent(registry, {
      service,
      component,
      previous: current.observed,
      next: observed,
      at: now,
      cause: `${verb} by ${actor.subject}`,
      actor: actor.subject,
    });
  }

  #secretNames(service: string, versions: SecretVersions = {}): Readonly<Record<string, string>> {
    return secretNames(this.#options.registry, service, versions);
  }

  /** What a component's container is made of; one that exists does not need to be known. */
  #requireTarget(record: ComponentRecord, subject: PlanSubject): Target {
    const { deployment, spec, service } = record;
    if (deployment !== undefined) {
      return { ...deployment, secretNames: this.#secretNames(service, deployment.secrets) };
    }
    if (subject.status !== undefined) return { spec, revision: 0 };
    throw new McpError(
      "conflict",
      `Cannot start "${service}/${spec.name}": it was never deployed`,
      { hint: `Run \`mcp deploy ${service}/${spec.name}\`` },
    );
  }

  #subject(
    service: string,
    component: string,
    listing: readonly ContainerStatus[],
    record: ComponentRecord | undefined,
  ): PlanSubject {
    const container = record?.container ?? containerName(service, component);
    const has = (wanted: string) => listing.some(({ name }) => name === wanted);
    return {
      node: this.#options.node,
      service,
      component,
      container,
      status: listing.find(({ name }) => name === container)?.status,
      hasPrevious: has(previousName(container)),
      hasNext: has(nextName(container)),
      serviceRoot: this.#options.serviceRoot,
      current: record?.deployment?.spec,
    };
  }
}

/** What a deploy goes by, as it was found on the node. */
interface Seen {
  readonly listing: readonly ContainerStatus[];
  readonly chosen: ChosenSecrets;
  /** By "service/component": what of its container is not as it was deployed. */
  readonly drifts: ReadonlyMap<string, readonly FieldDifference[]>;
}

/** What one deploy is made of, for all of its components. */
interface Move extends Seen {
  readonly request: RolloutRequest;
  readonly revision: number;
  /** The components before it, by name. */
  readonly records: ReadonlyMap<string, ComponentRecord>;
  /** By component: the versions of its secrets, which the runtime keeps. */
  readonly secrets: ReadonlyMap<string, SecretVersions>;
  readonly pulls: Fetching["pulls"];
  /** Whether it moves one component only. */
  readonly isAlone: boolean;
  readonly actor: Actor;
  readonly options: DeployOptions;
}

/** How a component of a revision ends. */
type ComponentEnd = "succeeded" | "failed" | "kept";

/** What is known of it then. */
interface FoundAtEnd {
  readonly image?: ImageIdentity;
  readonly downtimeMs?: number | undefined;
  readonly error?: string;
}

function deployRequest(spec: ServiceSpec, only: string | undefined): RolloutRequest {
  return {
    service: spec.name,
    declared: spec,
    targets: spec.components.filter(({ name }) => only === undefined || name === only),
    only,
    origin: "deploy",
    removesUnlisted: only === undefined,
    images: new Map(),
    secrets: new Map(),
    rollBackTo: undefined,
  };
}

/** Why a component is not tried; undefined when all that it waited for ended well. */
function brokenDependency(ended: ReadonlyMap<string, ComponentOutcome>): string | undefined {
  const broken = [...ended.values()].find(({ success }) => !success);
  if (broken === undefined) return undefined;
  const how: Readonly<Record<string, string>> = {
    crashed: "crashed",
    unhealthy: "is unhealthy",
    timed_out: "did not make it in time",
    skipped: "was not tried",
  };
  const what = how[broken.verdict] ?? "failed";
  return `Not tried: it depends on "${broken.component}", which ${what}; nothing was changed`;
}

/** Why a component is not tried that depends on one that this rollout leaves alone. */
function absentDependency(
  { dependsOn }: ComponentSpec,
  ended: ReadonlyMap<string, ComponentOutcome>,
  { request, listing, records }: Move,
): string | undefined {
  for (const name of dependsOn) {
    if (ended.has(name)) continue;
    const found = listing.find((container) =>
      container.name === (records.get(name)?.container ?? containerName(request.service, name))
    );
    const record = records.get(name);
    const isJob = (record?.deployment?.spec ?? record?.spec)?.kind === "job";
    const isDone = isJob && found?.exitCode === 0;
    if (isDone || (found?.status === "running" && record?.health !== "unhealthy")) continue;
    const state = found === undefined
      ? "has no container"
      : found.status === "running"
      ? "is unhealthy"
      : `is ${found.status}`;
    return `Not tried: it depends on "${name}", which ${state}; nothing was changed`;
  }
  return undefined;
}

/** The components of a service that MCP is responsible for. */
function managedComponents(registry: Registry, service: string): ComponentRecord[] {
  const record = getService(registry, service);
  const managed = record?.components.filter(({ desired }) => desired !== "ignore") ?? [];
  if (managed.length === 0) {
    throw new McpError("not_found", `There is no service "${service}" on this node`, {
      hint: `Run \`mcp list\` for those there are, or \`mcp deploy ${service}\``,
    });
  }
  return managed;
}

/** The components that MCP is responsible for and the spec no longer lists. */
function unlistedComponents(
  before: ServiceRecord | undefined,
  request: RolloutRequest,
): ComponentRecord[] {
  const listed = new Set(request.declared.components.map(({ name }) => name));
  return before?.components.filter((record) =>
    !listed.has(record.spec.name) && record.desired !== "ignore"
  ) ?? [];
}

/**
 * Of the components that are not listed, those that a deploy takes out of service.
 *
 * An adopted container stays. A component without a container and a deployment, say one that was
 * misspelt and never came up, is forgotten: it would be drift for ever.
 */
function droppedComponents(
  unlisted: readonly ComponentRecord[],
  listing: readonly ContainerStatus[],
): ComponentRecord[] {
  return unlisted.filter(({ deployment, container }) =>
    (deployment !== undefined && deployment.origin !== "adopt") ||
    !listing.some(({ name }) => name === container)
  );
}

function failedOutcome(record: ComponentRecord, failure: McpError): ComponentOutcome {
  const { message, hint } = failure;
  const error = hint === undefined ? message : `${message} (${hint})`;
  return plainOutcome(record.spec.name, record.container, "failed", { error });
}

function summarize(outcomes: readonly ComponentOutcome[]): RevisionOutcome {
  if (outcomes.length > 0 && outcomes.every(({ verdict }) => verdict === "kept")) return "kept";
  const succeeded = outcomes.filter(({ success }) => success).length;
  return succeeded === outcomes.length ? "succeeded" : succeeded === 0 ? "failed" : "partial";
}
