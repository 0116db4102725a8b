/**
 * Deploys, or goes back to a revision: intent first, then plans, then doing, then what came of it.
 *
 * Components are moved side by side, but for those that depend on others: one
 * that fails does not stop those that do not need it.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { imageVersion } from "../../../lib/domain/image.ts";
import { containerName } from "../../../lib/domain/names.ts";
import { errorChain, McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import { appendEvent } from "../../registry/events.ts";
import { beginRevision, finishRevision, type RevisionOutcome } from "../../registry/revisions.ts";
import { secretNames, type SecretVersions } from "../../registry/secrets.ts";
import {
  type ComponentRecord,
  declareService,
  forgetComponent,
  ownerOfContainer,
  wantComponent,
} from "../../registry/services.ts";
import type { SecretValues } from "../secrets/secrets.ts";
import {
  candidateOf,
  chooseSecrets,
  droppedComponents,
  type Plans,
  requireRequestAllowed,
  unlistedComponents,
} from "./assess.ts";
import {
  type Actor,
  parallelComponents,
  recordsOf,
  type RolloutOptions,
  type Seen,
  subjectOf,
} from "./context.ts";
import { decide, type ImageIdentity } from "./decide.ts";
import { absentDependency, brokenDependency } from "./dependencies.ts";
import { type ComponentOutcome, execute, plainOutcome, type ProgressEvent } from "./execute.ts";
import { requireOwn } from "./foreign.ts";
import type { Fetching } from "./images.ts";
import { inOrder, type Job } from "./in_order.ts";
import { planDeploy, planRemove } from "./plan.ts";
import { rememberSeen, writeEnd, writeSeen } from "./remember.ts";
import type { RolloutRequest } from "./request.ts";

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

/** One rollout, for all of its components. */
interface Move extends Seen {
  readonly rollout: RolloutOptions;
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

/**
 * Does what is asked for, whether that is a spec or an earlier revision.
 *
 * @param plans Made before, one of which this may have to be.
 */
export async function deploy(
  rollout: RolloutOptions,
  plans: Plans,
  request: RolloutRequest,
  actor: Actor,
  options: DeployOptions,
): Promise<DeployResult> {
  const { registry, clock, runtime, signal, locks } = rollout;
  const { service, targets } = request;
  const { watcher } = options;
  await rollout.recovered();
  requireRequestAllowed(rollout, request);
  const records = recordsOf(registry, service);
  const unlisted = unlistedComponents(records, request);
  using _lock = locks.acquire(service, {
    verb: request.origin,
    actor: actor.subject,
    components: [...targets, ...unlisted.map((record) => record.spec)].map(({ name }) => name),
    operation: watcher?.operation,
  });
  const listing = await runtime.list(signal);
  requireOwn(registry, service, request.declared.components, listing);
  const dropped = droppedComponents(unlisted, listing);
  const chosen = await chooseSecrets(rollout, request, options.secrets);
  // Who wants all of it made anew, one after the other, does not go by what is there.
  const goesByWhatIsThere = options.keepUnchanged === true || options.mayStartFirst === true ||
    options.planId !== undefined;
  const drifts: Seen["drifts"] = goesByWhatIsThere
    ? await rollout.fieldDrifts.find({ listing, mark: undefined }, service)
    : new Map();
  const seen = { listing, chosen, drifts };
  if (options.planId !== undefined) {
    await plans.require(options.planId, request, seen, options.keepUnchanged !== true);
  }
  const question = { service, values: options.secrets ?? new Map() };
  const secrets = await rollout.secrets.keep(question, chosen);
  const revision = begin(rollout, request, secrets, dropped, actor, watcher);

  const isAlone = targets.length + dropped.length === 1;
  const move: Move = {
    ...seen,
    ...{ rollout, isAlone, request, revision, records, secrets, actor, options },
    pulls: new Map(),
  };
  const job = (
    { name, dependsOn }: Pick<ComponentSpec, "name" | "dependsOn">,
    act: Job<ComponentOutcome>["run"],
  ): Job<ComponentOutcome> => ({
    name,
    after: dependsOn,
    run: async (ended) => {
      const outcome = await act(ended);
      watcher?.ended(outcome);
      return outcome;
    },
  });
  try {
    const outcomes = await inOrder([
      ...targets.map((spec) => job(spec, (ended) => deployComponent(spec, move, ended))),
      ...dropped.map((record) =>
        job({ name: record.spec.name, dependsOn: [] }, () => removeComponent(record, move))
      ),
    ], parallelComponents);
    // Before anybody is told of the end: the next rollout may begin at once.
    await rollout.secrets.sweep(service);
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

/** Writes the intent and a new revision in one transaction, before anything moves. */
function begin(
  { registry, clock }: RolloutOptions,
  { service, declared, targets, only, origin }: RolloutRequest,
  secrets: Move["secrets"],
  dropped: readonly ComponentRecord[],
  actor: Actor,
  watcher: Watcher | undefined,
): number {
  return registry.transaction(() => {
    const now = clock.now();
    // A container of one of these names may have been discovered once and be gone by now.
    for (const { name } of declared.components) {
      const owner = ownerOfContainer(registry, containerName(service, name));
      if (owner !== undefined && owner.service !== service) {
        forgetComponent(registry, owner.service, owner.component);
      }
    }
    declareService(registry, { ...declared, active: true }, now);
    for (const { name } of targets) wantComponent(registry, service, name, "running", now);
    const revision = beginRevision(registry, {
      service,
      component: only,
      components: targets,
      secrets,
      actor: actor.subject,
      origin,
      now,
    });
    const names = [...targets.map(({ name }) => name), ...dropped.map(({ spec }) => spec.name)];
    watcher?.begun(revision, names);
    return revision;
  });
}

/** Fetches the image, decides, does it, and remembers what came of it. */
async function deployComponent(
  spec: ComponentSpec,
  move: Move,
  ended: ReadonlyMap<string, ComponentOutcome>,
): Promise<ComponentOutcome> {
  const { rollout, request, revision, listing, records, pulls, isAlone, actor } = move;
  const { watcher, ...options } = move.options;
  const { signal, images, serviceRoot, registry } = rollout;
  const { service, origin } = request;
  const where = { service, revision, spec };
  const moved = { verb: origin, actor };
  const container = containerName(service, spec.name);
  const tell = watcher && ((event: ProgressEvent) => watcher.told(spec.name, event));
  const finish = (outcome: ComponentOutcome) => {
    if (!outcome.success) {
      registry.transaction(() => writeEnd(rollout, where, "failed", { error: outcome.error }));
    }
    log.rollout.info("Deploy {revision} of {service}/{component}: {result}", {
      revision,
      service,
      component: spec.name,
      result: outcome.success ? outcome.summary : outcome.error,
    });
    return outcome;
  };
  const finishFailed = async (outcome: ComponentOutcome) => {
    finish(outcome);
    const record = recordsOf(registry, service).get(spec.name);
    if (record !== undefined) await rememberSeen(rollout, record, moved);
    return outcome;
  };

  const obstacle = brokenDependency(ended) ??
    absentDependency(spec, ended, { service, listing, records });
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
    return await finishFailed(plainOutcome(spec.name, container, verdict, { error: text }));
  }
  const version = imageVersion(spec.image);
  const candidate = candidateOf(spec, service, move, image);
  const decision = decide(candidate, { recreate: options.keepUnchanged !== true, serviceRoot });
  if (decision.action === "keep") {
    registry.transaction(() => writeEnd(rollout, where, "kept", { image }));
    const summary = `kept${version === "" ? "" : ` ${version}`}: it is as it was asked for`;
    return finish(plainOutcome(spec.name, container, "kept", { summary }));
  }
  const record = records.get(spec.name);
  const subject = subjectOf(rollout, service, spec.name, listing, record);
  const plan = planDeploy(
    subject,
    {
      spec,
      revision,
      image: request.images.has(spec.name) ? image.id : undefined,
      secretNames: secretNames(registry, service, move.secrets.get(spec.name) ?? {}),
    },
    { from: record?.version ?? "", to: version },
    options.mayStartFirst === true ? decision.order : "stop-first",
  );
  const outcome = await execute(plan, { ...rollout, isAlone }, (proved) => {
    registry.transaction(() => {
      writeEnd(rollout, where, "succeeded", {
        image: { id: proved.detail?.imageId ?? image.id, digest: image.digest },
        downtimeMs: subject.status === "running" ? proved.downtimeMs : undefined,
      });
      writeSeen(rollout, service, spec.name, moved, proved);
    });
  }, tell);
  return outcome.success ? finish(outcome) : await finishFailed(outcome);
}

async function removeComponent(record: ComponentRecord, move: Move): Promise<ComponentOutcome> {
  const { rollout, listing, actor, request, options: { watcher } } = move;
  const { registry, clock } = rollout;
  const { service, spec: { name: component }, observed } = record;
  return await execute(
    planRemove(subjectOf(rollout, service, component, listing, record)),
    rollout,
    () =>
      registry.transaction(() => {
        if (observed !== "removed") {
          appendEvent(registry, {
            service,
            component,
            previous: observed,
            next: "removed",
            at: clock.now(),
            cause: `${request.origin} by ${actor.subject}`,
            actor: actor.subject,
          });
        }
        forgetComponent(registry, service, component);
      }),
    (event) => watcher?.told(component, event),
  );
}

function summarize(outcomes: readonly ComponentOutcome[]): RevisionOutcome {
  if (outcomes.length > 0 && outcomes.every(({ verdict }) => verdict === "kept")) return "kept";
  const succeeded = outcomes.filter(({ success }) => success).length;
  return succeeded === outcomes.length ? "succeeded" : succeeded === 0 ? "failed" : "partial";
}
