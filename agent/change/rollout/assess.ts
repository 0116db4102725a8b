/**
 * What a rollout would do, given the node as it is; plans are made of it, and held against it later.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { containerName } from "../../../lib/domain/names.ts";
import { McpError } from "../../../lib/errors.ts";
import { lastDowntimes } from "../../registry/revisions.ts";
import type { ComponentRecord } from "../../registry/services.ts";
import type { ContainerStatus } from "../../runtime/runtime.ts";
import type { ChosenSecrets, SecretValues } from "../secrets/secrets.ts";
import { requireAllowed } from "./allowed.ts";
import { recordsOf, type RolloutOptions, type Seen } from "./context.ts";
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
import { requireOwn } from "./foreign.ts";
import type { RolloutRequest } from "./request.ts";

/** What a deploy would do. */
export interface DeployPlan {
  readonly planId: string;
  readonly decisions: readonly Decision[];
}

/** How many plans are remembered, to say what has moved since; one that is not is as good. */
const rememberedPlans = 100;

/** Makes plans, and remembers what the latest of them stood on. */
export class Plans {
  readonly #options: RolloutOptions;
  readonly #fingerprints = new Map<string, Fingerprint>();

  constructor(options: RolloutOptions) {
    this.#options = options;
  }

  /** Fetches images where that is to be done, and changes nothing else. */
  async make(
    request: RolloutRequest,
    options: { readonly recreate: boolean; readonly secrets?: SecretValues },
  ): Promise<DeployPlan> {
    const { registry, runtime, recovered, signal, images, locks, fieldDrifts } = this.#options;
    await recovered();
    requireRequestAllowed(this.#options, request);
    const mark = locks.mark();
    const listing = await runtime.list(signal);
    requireOwn(registry, request.service, request.targets, listing);
    const chosen = await chooseSecrets(this.#options, request, options.secrets);
    const fetching = { past: request.images, pulls: new Map(), signal };
    await Promise.all(request.targets.map((target) => images.obtain(target, fetching)));
    const drifts = await fieldDrifts.find({ listing, mark }, request.service);
    const seen = { listing, chosen, drifts };
    const { decisions, fingerprint } = await assess(this.#options, request, seen, options.recreate);
    const planId = planIdOf(fingerprint);
    this.#fingerprints.delete(planId);
    this.#fingerprints.set(planId, fingerprint);
    for (const oldest of this.#fingerprints.keys()) {
      if (this.#fingerprints.size <= rememberedPlans) break;
      this.#fingerprints.delete(oldest);
    }
    return { planId, decisions };
  }

  /** Refuses when what would be done is not what was planned. */
  async require(
    planId: string,
    request: RolloutRequest,
    seen: Seen,
    recreate: boolean,
  ): Promise<void> {
    const { fingerprint } = await assess(this.#options, request, seen, recreate);
    if (planIdOf(fingerprint) === planId) return;
    throw new McpError(
      "conflict",
      `Cannot deploy "${request.service}" as planned: the plan ${planId} does not hold any more`,
      {
        details: whatMoved(this.#fingerprints.get(planId), fingerprint),
        hint: `Run \`mcp plan ${request.service}\` again`,
      },
    );
  }
}

/** Which versions of its secrets each component gets. */
export async function chooseSecrets(
  { registry, secrets }: Pick<RolloutOptions, "registry" | "secrets">,
  { service, targets, rollBackTo, secrets: versions }: RolloutRequest,
  values: SecretValues = new Map(),
): Promise<ChosenSecrets> {
  return await secrets.choose({
    service,
    targets,
    records: recordsOf(registry, service),
    values,
    past: rollBackTo === undefined ? undefined : { revision: rollBackTo, versions },
  });
}

/**
 * What a component was adopted or deployed with may stay: what would be asked for was there before
 * this rollout. All else is asked about anew, also what goes back into service.
 */
export function requireRequestAllowed(
  options: RolloutOptions,
  { service, targets }: RolloutRequest,
): void {
  const records = recordsOf(options.registry, service);
  requireAllowed(service, targets, options, {
    verb: "deploy",
    had: (name) => records.get(name)?.deployment?.spec,
  });
}

/** What would be done, given the images that are on the node. */
async function assess(
  { registry, serviceRoot, images }: RolloutOptions,
  request: RolloutRequest,
  seen: Seen,
  recreate: boolean,
): Promise<{ readonly decisions: readonly Decision[]; readonly fingerprint: Fingerprint }> {
  const { service, targets } = request;
  const { listing } = seen;
  const records = recordsOf(registry, service);
  const downtimes = lastDowntimes(registry, service);
  const found = await Promise.all(targets.map((spec) => images.find(spec, request.images)));
  const candidates = targets.map((spec, place) => ({
    ...candidateOf(spec, service, { ...seen, records }, found[place]),
    lastDowntimeMs: downtimes.get(spec.name),
  }));
  const dropped = droppedComponents(unlistedComponents(records, request), listing)
    .map(({ spec, container }) => ({
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

/** All that is decided by for one component. */
export function candidateOf(
  spec: ComponentSpec,
  service: string,
  { listing, records, chosen, drifts }: Seen & {
    readonly records: ReadonlyMap<string, ComponentRecord>;
  },
  image: ImageIdentity | undefined,
): Candidate {
  const record = records.get(spec.name);
  const deployment = record?.deployment;
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
    container: listing.find(({ name }) => name === containerName(service, spec.name)),
    drift: drifts.get(`${service}/${spec.name}`),
    sickness: record?.health === "unhealthy" ? record.lastProbe : undefined,
    lastDowntimeMs: undefined,
  };
}

/** The components that MCP is responsible for and the spec no longer lists. */
export function unlistedComponents(
  records: ReadonlyMap<string, ComponentRecord>,
  request: RolloutRequest,
): ComponentRecord[] {
  if (!request.removesUnlisted) return [];
  const listed = new Set(request.declared.components.map(({ name }) => name));
  return [...records.values()].filter((record) =>
    !listed.has(record.spec.name) && record.desired !== "ignore"
  );
}

/**
 * Of the components that are not listed, those that a deploy takes out of service.
 *
 * An adopted container stays. A component without a container and a deployment, say one that was
 * misspelt and never came up, is forgotten: it would be drift for ever.
 */
export function droppedComponents(
  unlisted: readonly ComponentRecord[],
  listing: readonly ContainerStatus[],
): ComponentRecord[] {
  return unlisted.filter(({ deployment, container }) =>
    (deployment !== undefined && deployment.origin !== "adopt") ||
    !listing.some(({ name }) => name === container)
  );
}
