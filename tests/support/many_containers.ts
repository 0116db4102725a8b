/**
 * A node with many containers, all deployed and running, on a real registry.
 *
 * @module
 */

import { Observer } from "../../agent/watch/reconcile/observe.ts";
import { Descriptions } from "../../agent/watch/reconcile/descriptions.ts";
import { FieldDrifts } from "../../agent/watch/reconcile/field_drifts.ts";
import { labels } from "../../agent/watch/reconcile/ownership.ts";
import { Registry } from "../../agent/registry/registry.ts";
import { beginRevision, finishComponent, finishRevision } from "../../agent/registry/revisions.ts";
import { declareService } from "../../agent/registry/services.ts";
import { ServiceLocks } from "../../agent/locks/service_locks.ts";
import type { Rooms } from "../../agent/door/rpc/rooms.ts";
import { PushedFiles } from "../../agent/change/service_files/pushed.ts";
import { containerName } from "../../lib/domain/names.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import { FakeClock } from "./fake_clock.ts";
import { MemoryRuntime } from "./memory_runtime.ts";
import { componentSpec } from "./rollout_trial.ts";
import { ThrowAwayFolder } from "./throw_away_folder.ts";

const image = "localhost/part:v1";
const perService = 5;

/** Services of five components each, `svc-0000/part-0` and so on; `await using` ends it. */
export class ManyContainers implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly runtime = new MemoryRuntime({ clock: this.clock, images: [image] });
  readonly locks = new ServiceLocks(this.clock);
  readonly registry: Registry;
  readonly observer: Observer;
  readonly folder: ThrowAwayFolder;

  private constructor(folder: ThrowAwayFolder) {
    this.folder = folder;
    this.registry = Registry.open(folder.at("mcp.db"));
    const { runtime, registry, locks, clock } = this;
    this.observer = new Observer({ runtime, registry, locks, clock });
  }

  /** @param containers A multiple of five. */
  static async start(
    containers: number,
    { restart = "unless-stopped" }: { readonly restart?: string } = {},
  ): Promise<ManyContainers> {
    const node = new ManyContainers(await ThrowAwayFolder.make());
    const specs = Array.from({ length: containers / perService }, (_, at): ServiceSpec => {
      const name = `svc-${String(at).padStart(4, "0")}`;
      const components = Array.from(
        { length: perService },
        (_, part) =>
          componentSpec(`part-${part}`, image, {
            restart,
            volumes: [`/srv/${name}/data:/data`],
            env: { MODE: "production", SERVICE: name },
            cmd: ["serve", "--verbose"],
          }),
      );
      return { name, active: true, components };
    });
    node.registry.transaction(() => specs.forEach((spec) => node.#deploy(spec)));
    for (const { name: service, components } of specs) {
      for (const spec of components) {
        await node.runtime.run({
          name: containerName(service, spec.name),
          spec,
          labels: { [labels.service]: service, [labels.component]: spec.name },
          pull: "missing",
        });
      }
    }
    await node.clock.advance(1_000);
    return node;
  }

  /** What one iteration of the monitor needs. */
  get watching() {
    const { clock, observer } = this;
    return { clock, observer, recovered: () => Promise.resolve() };
  }

  /** What `status` and `ps` need. */
  get rooms(): Rooms {
    const { registry, runtime, observer, locks, clock, folder } = this;
    const descriptions = new Descriptions({ runtime, clock });
    const files = { serviceRoot: folder.path, ownFolders: [], clock };
    const rooms = {
      registry,
      runtime,
      observer,
      clock,
      fieldDrifts: new FieldDrifts({ registry, locks, descriptions }),
      pushedFiles: new PushedFiles(registry, files),
    };
    // The others are for other calls.
    return rooms as Partial<Rooms> as Rooms;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.registry[Symbol.dispose]();
    await this.folder[Symbol.asyncDispose]();
  }

  #deploy(spec: ServiceSpec): void {
    const { registry, clock } = this;
    const [service, now] = [spec.name, clock.now()];
    declareService(registry, spec, now);
    const revision = beginRevision(registry, {
      service,
      component: undefined,
      components: spec.components,
      actor: "ada",
      origin: "deploy",
      now,
    });
    for (const { name: component } of spec.components) {
      const outcome = "succeeded";
      finishComponent(registry, {
        service,
        revision,
        component,
        outcome,
        imageId: "",
        error: "",
        now,
      });
    }
    finishRevision(registry, service, revision, "succeeded", now);
  }
}

/** Adds so many events, one a second and the last one at `until`; most are of the first service. */
export function addEvents(registry: Registry, count: number, until: Date): void {
  registry.transaction(() =>
    registry.run(
      `WITH RECURSIVE numbers(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM numbers WHERE at < ?1)
       INSERT INTO events (service, component, prev_state, new_state, timestamp, cause)
       SELECT printf('svc-%04d', CASE WHEN at % 10 = 0 THEN at / 10 % 10 ELSE 0 END),
         'part-' || (at % 5), 'running', 'exited',
         strftime('%Y-%m-%d %H:%M:%f', ?2 - (?1 - at), 'unixepoch'), 'exit code 1' FROM numbers`,
      count,
      Math.floor(until.getTime() / 1000),
    )
  );
}
