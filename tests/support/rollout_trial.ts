/**
 * The rooms that change what runs, on a real registry and real folders, without gRPC around them.
 *
 * @module
 */

import { Descriptions } from "../../agent/watch/reconcile/descriptions.ts";
import { FieldDrifts } from "../../agent/watch/reconcile/field_drifts.ts";
import { Observer } from "../../agent/watch/reconcile/observe.ts";
import { recentEvents } from "../../agent/registry/events.ts";
import { Registry } from "../../agent/registry/registry.ts";
import { getService } from "../../agent/registry/services.ts";
import { probeWith } from "../../agent/watch/probes/probe.ts";
import { ImageFinder } from "../../agent/change/rollout/images.ts";
import { looksAt } from "../../agent/change/rollout/looks.ts";
import { Operations } from "../../agent/change/rollout/operations.ts";
import { recover } from "../../agent/change/rollout/recover.ts";
import { Rollout } from "../../agent/change/rollout/rollout.ts";
import { startUnfinished } from "../../agent/change/rollout/start_unfinished.ts";
import { ServiceLocks } from "../../agent/locks/service_locks.ts";
import { HashKey } from "../../agent/change/secrets/keyed_hash.ts";
import { Secrets } from "../../agent/change/secrets/secrets.ts";
import { makeServiceFolders } from "../../agent/change/service_files/folders.ts";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import type { Privilege } from "../../lib/domain/privileges.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import { McpError } from "../../lib/errors.ts";
import { realFiles } from "../../lib/system/files.ts";
import { FakeClock } from "./fake_clock.ts";
import { MemoryRuntime } from "./memory_runtime.ts";
import { ThrowAwayFolder } from "./throw_away_folder.ts";

/** A component spec that leaves out what it can. */
export function componentSpec(
  name: string,
  image: string,
  change: Partial<ComponentSpec> = {},
): ComponentSpec {
  return { ...componentDefaults, name, image, ...change };
}

/** An active service of these components. */
export function serviceSpec(name: string, ...components: readonly ComponentSpec[]): ServiceSpec {
  return { name, active: true, components };
}

/** Who asks for everything here. */
export const ada = { subject: "ada" };

/** One node without its door; `await using` ends it. */
export class RolloutTrial implements AsyncDisposable {
  readonly folder: ThrowAwayFolder;
  readonly registry: Registry;
  readonly clock = new FakeClock({ autoAdvance: true });
  readonly runtime: MemoryRuntime;
  /** Of so many good revisions of each component secrets are kept. */
  readonly keepRevisions = 2;
  /** What the node allows; read when a rollout begins. */
  readonly allow: Privilege[] = [];
  #callOff = new AbortController();
  #locks!: ServiceLocks;
  #secrets!: Secrets;
  #fieldDrifts!: FieldDrifts;
  #rollout!: Rollout;
  #observer!: Observer;
  #operations!: Operations;

  private constructor(folder: ThrowAwayFolder, runtimeOf: (clock: FakeClock) => MemoryRuntime) {
    this.folder = folder;
    this.registry = Registry.open(folder.at("mcp.db"));
    this.runtime = runtimeOf(this.clock);
    this.#begin();
  }

  /** Starts one, with the images given to be pulled, or with a runtime of the test's own. */
  static async start(
    images: readonly string[] | ((clock: FakeClock) => MemoryRuntime),
  ): Promise<RolloutTrial> {
    const runtimeOf = typeof images === "function"
      ? images
      : (clock: FakeClock) => new MemoryRuntime({ clock, images });
    return new RolloutTrial(await ThrowAwayFolder.make(), runtimeOf);
  }

  get rollout(): Rollout {
    return this.#rollout;
  }

  get secrets(): Secrets {
    return this.#secrets;
  }

  get locks(): ServiceLocks {
    return this.#locks;
  }

  get operations(): Operations {
    return this.#operations;
  }

  get observer(): Observer {
    return this.#observer;
  }

  /** The folder that stands for /srv. */
  get serviceRoot(): string {
    return this.folder.path;
  }

  /** Calls off all that is underway, as an agent does that must end now. */
  callOff(): void {
    this.#callOff.abort(new McpError("unavailable", "The agent is stopping"));
  }

  /** What an agent does that starts again: its memory is gone, the registry and podman are not. */
  async startAgain(): Promise<void> {
    this.#callOff = new AbortController();
    this.#begin();
    await recover(this.#options());
    await startUnfinished(this.#options());
  }

  /** Each container with its image's tag, e.g. "shop-web running v1". */
  async containers(): Promise<string[]> {
    return (await this.runtime.list())
      .map(({ name, status, image }) => `${name} ${status} ${image.split(":").at(-1)}`)
      .sort();
  }

  /** Each component as it is remembered, e.g. "web wants running, seen running, deployed v1 by 1". */
  components(service: string): string[] {
    return (getService(this.registry, service)?.components ?? []).map((component) => {
      const { deployment } = component;
      const deployed = deployment === undefined
        ? "never deployed"
        : `deployed ${deployment.spec.image.split(":").at(-1)} by ${deployment.revision}`;
      return `${component.spec.name} wants ${component.desired}, seen ${component.observed}, ${deployed}`;
    });
  }

  /** Every transition of a service, oldest first, e.g. "web unknown to running: deploy by ada". */
  events(service: string): string[] {
    return recentEvents(this.registry, { service, limit: 100 })
      .map(({ component, previous, next, cause }) =>
        `${component} ${previous} to ${next}: ${cause}`
      )
      .reverse();
  }

  /** Every revision of a service and how each of its components ended. */
  revisions(service: string): string[] {
    const components = this.registry.all(
      "SELECT revision, component, outcome FROM revision_components WHERE service = ? ORDER BY rowid",
      service,
    );
    return this.registry
      .all("SELECT number, outcome FROM revisions WHERE service = ? ORDER BY number", service)
      .map(({ number, outcome }) => {
        const parts = components.filter(({ revision }) => revision === number)
          .map((part) => `${part["component"]} ${part["outcome"]}`);
        return `${number} ${outcome}: ${parts.join(", ")}`;
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.registry[Symbol.dispose]();
    await this.folder[Symbol.asyncDispose]();
  }

  #begin(): void {
    const { runtime, registry, clock } = this;
    this.#locks = new ServiceLocks(clock);
    this.#operations = new Operations({ registry, clock });
    this.#secrets = new Secrets({
      registry,
      runtime,
      clock,
      locks: this.#locks,
      key: new HashKey(realFiles, this.folder.at("secrets.key")),
      keepRevisions: this.keepRevisions,
      signal: this.#callOff.signal,
    });
    this.#fieldDrifts = new FieldDrifts({
      registry,
      locks: this.#locks,
      descriptions: new Descriptions({ runtime, clock }),
    });
    this.#rollout = new Rollout({ ...this.#options(), recovered: () => Promise.resolve() });
    this.#observer = new Observer({ runtime, registry, clock, locks: this.#locks });
  }

  #options() {
    return {
      runtime: this.runtime,
      clock: this.clock,
      registry: this.registry,
      locks: this.#locks,
      makeFolders: (service: string, paths: readonly string[]) =>
        makeServiceFolders(this.serviceRoot, service, paths),
      look: looksAt(this.runtime, this.#callOff.signal),
      probe: probeWith(this.runtime),
      images: new ImageFinder(this.runtime, this.#callOff.signal),
      secrets: this.#secrets,
      fieldDrifts: this.#fieldDrifts,
      settleMs: 3_000,
      jobTimeoutMs: 3_600_000,
      stopTimeoutMs: 10_000,
      signal: this.#callOff.signal,
      node: "rift",
      serviceRoot: this.serviceRoot,
      allow: this.allow,
    };
  }
}
