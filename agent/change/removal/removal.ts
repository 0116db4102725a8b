/**
 * Takes a service out of the node: its containers, what is remembered of it, and its data where
 * that is asked for. Its revisions and events stay.
 *
 * @module
 */

import { parseVolume } from "../../../lib/domain/mappings.ts";
import { errorChain, McpError } from "../../../lib/errors.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import { labelledComponent, nextName, previousName } from "../../watch/reconcile/ownership.ts";
import { appendEvent } from "../../registry/events.ts";
import { countRevisions } from "../../registry/history.ts";
import type { Registry } from "../../registry/registry.ts";
import {
  type ComponentRecord,
  forgetComponent,
  getService,
  listServices,
} from "../../registry/services.ts";
import type { ServiceLocks } from "../../locks/service_locks.ts";
import type { ContainerRuntime, ContainerStatus } from "../../runtime/runtime.ts";
import type { Secrets } from "../secrets/secrets.ts";
import { isWithin } from "../service_files/inside.ts";
import { contentOf, purgeFolder, requirePurgeable } from "../service_files/purge.ts";

interface RemovalOptions {
  readonly registry: Registry;
  readonly runtime: Pick<ContainerRuntime, "list" | "stop" | "remove">;
  readonly secrets: Pick<Secrets, "namesOf" | "sweep">;
  readonly locks: Pick<ServiceLocks, "acquire">;
  readonly clock: Pick<Clock, "now">;
  readonly recovered: () => Promise<void>;
  /** The folder that holds one folder per service. */
  readonly serviceRoot: string;
  /** Folders of the agent itself, which no service's folder may hold. */
  readonly ownFolders: readonly string[];
  readonly stopTimeoutMs: number;
  /** Trips when the agent must end. */
  readonly signal: AbortSignal;
}

/** What is to be removed. */
interface RemovalRequest {
  readonly service: string;
  readonly purgeData: boolean;
  /** Say what would be removed, and change nothing. */
  readonly dryRun: boolean;
  readonly actor: { readonly subject: string };
}

/** What became of one component. */
interface RemovalOutcome {
  readonly component: string;
  /** Why it could not be removed; empty = it was, or would be. */
  readonly error: string;
}

/** What was removed, or would be, and what stays. */
export interface Removed {
  readonly outcomes: readonly RemovalOutcome[];
  /** In words, e.g. "container shop-web". */
  readonly removed: readonly string[];
  readonly kept: readonly string[];
}

/** Removes services. */
export class Removal {
  readonly #options: RemovalOptions;

  constructor(options: RemovalOptions) {
    this.#options = options;
  }

  /**
   * Removes a service. A component that cannot be removed is its own outcome; the service is then
   * still known, and no data is touched.
   *
   * @throws {McpError} `not_found` when there is no such service, `conflict` when it is being moved
   *   or others mount its data; then nothing has changed.
   */
  async remove(request: RemovalRequest): Promise<Removed> {
    const { registry, locks, runtime, signal } = this.#options;
    const { service, purgeData, dryRun, actor } = request;
    await this.#options.recovered();
    const components = getService(registry, service)?.components ?? [];
    const managed = components.filter(({ desired }) => desired !== "ignore");
    // Its data may be left from an earlier removal.
    if (managed.length === 0 && !(purgeData && countRevisions(registry, service) > 0)) {
      throw new McpError("not_found", `There is no service "${service}" on this node`, {
        hint: "Run `mcp list` for those there are",
      });
    }
    if (purgeData) await this.#requireOwnData(service);
    using _lock = dryRun ? undefined : locks.acquire(service, {
      verb: "remove",
      actor: actor.subject,
      components: managed.map(({ spec }) => spec.name),
    });
    const listing = await runtime.list(signal);
    const removed: string[] = [];
    const kept = components.filter((record) => !managed.includes(record)).map(({ container }) =>
      `container ${container}, which MCP only found`
    );
    const outcomes: RemovalOutcome[] = [];
    for (const record of managed) {
      const { ours, foreign } = containersOf(record, listing);
      kept.push(...foreign.map((name) => `container ${name}, which MCP did not make`));
      try {
        if (!dryRun) await this.#removeComponent(record, ours, actor.subject);
        removed.push(...ours.map((name) => `container ${name}`));
        outcomes.push({ component: record.spec.name, error: "" });
      } catch (error) {
        if (!(error instanceof McpError) || signal.aborted) throw error;
        outcomes.push({ component: record.spec.name, error: errorChain(error) });
      }
    }
    const isWhole = outcomes.every(({ error }) => error === "");
    removed.push(...await this.#secrets(request));
    await this.#data(request, isWhole, { removed, kept });
    const revisions = countRevisions(registry, service);
    if (revisions > 0) kept.push(revisions === 1 ? "1 revision" : `the ${revisions} revisions`);
    return { outcomes, removed, kept };
  }

  async #removeComponent(
    record: ComponentRecord,
    containers: readonly string[],
    actor: string,
  ): Promise<void> {
    const { registry, runtime, clock, signal, stopTimeoutMs } = this.#options;
    const { service, spec, deployment, container } = record;
    const graceMs = deployment?.spec.stopTimeoutMs ?? stopTimeoutMs;
    for (const name of containers) {
      // The others stand beside it, and serve nobody.
      if (name === container) await runtime.stop(name, graceMs, signal);
      await runtime.remove(name, signal);
    }
    registry.transaction(() => {
      if (record.observed !== "removed") {
        appendEvent(registry, {
          service,
          component: spec.name,
          previous: record.observed,
          next: "removed",
          at: clock.now(),
          cause: `remove by ${actor}`,
          actor,
        });
      }
      forgetComponent(registry, service, spec.name);
    });
  }

  /** The secrets that no container of the service mounts any more. */
  async #secrets({ service, dryRun }: RemovalRequest): Promise<string[]> {
    const { secrets } = this.#options;
    const before = secrets.namesOf(service);
    if (!dryRun) await secrets.sweep(service);
    const after = dryRun ? [] : secrets.namesOf(service);
    return before.filter((name) => !after.includes(name)).map((name) => `secret ${name}`);
  }

  /** What lies in the service's folder goes last, when nothing can write there any more. */
  async #data(
    { service, purgeData, dryRun }: RemovalRequest,
    isWhole: boolean,
    { removed, kept }: { readonly removed: string[]; readonly kept: string[] },
  ): Promise<void> {
    const content = await contentOf(service, this.#options);
    if (content === undefined) return;
    const { path, files, isAtLeast } = content;
    const count = `${isAtLeast ? "at least " : ""}${files === 1 ? "1 file" : `${files} files`}`;
    const said = `${path} (${count})`;
    if (!purgeData) kept.push(said);
    else if (!isWhole) kept.push(`${said}, because not all of the service could be removed`);
    else {
      if (!dryRun) await purgeFolder(service, this.#options);
      removed.push(said);
    }
  }

  async #requireOwnData(service: string): Promise<void> {
    await requirePurgeable(service, this.#options);
    const home = `${this.#options.serviceRoot}/${service}`;
    for (const { name, components } of listServices(this.#options.registry)) {
      if (name === service) continue;
      for (const { spec, deployment } of components) {
        const volumes = [...spec.volumes, ...deployment?.spec.volumes ?? []];
        const sources = volumes.map((volume) => parseVolume(volume)?.source ?? "");
        if (!sources.some((source) => isWithin(source, home))) continue;
        throw new McpError(
          "conflict",
          `Cannot remove the data of "${service}": ${name}/${spec.name} mounts it as well`,
          { hint: `Remove or change "${name}" first` },
        );
      }
    }
  }
}

/** The containers of a component: those that MCP made or was given, and one that is somebody else's. */
function containersOf(
  { service, spec, container, deployment }: ComponentRecord,
  listing: readonly ContainerStatus[],
): { readonly ours: readonly string[]; readonly foreign: readonly string[] } {
  const beside = [previousName(container), nextName(container)]
    .filter((name) => listing.some((listed) => listed.name === name));
  const found = listing.find(({ name }) => name === container);
  if (found === undefined) return { ours: beside, foreign: [] };
  const claim = labelledComponent(found);
  const isOurs = deployment?.origin === "adopt" ||
    (claim?.service === service && claim.component === spec.name);
  return isOurs
    ? { ours: [container, ...beside], foreign: [] }
    : { ours: beside, foreign: [container] };
}
