/**
 * One rollout per service at a time, and the memory of who was just moved.
 *
 * A second caller is refused and told who holds the lock and since when: waiting
 * in line would apply an intent that its operator may no longer have.
 *
 * @module
 */

import { formatDuration } from "../../lib/domain/duration.ts";
import { containerName } from "../../lib/domain/names.ts";
import { McpError } from "../../lib/errors.ts";
import type { Clock } from "../../lib/system/clock.ts";

/** Who holds a service, for what, since when. */
interface Holder {
  readonly verb: string;
  readonly actor: string;
  readonly since: Date;
  readonly components: ReadonlySet<string>;
  readonly operation: string | undefined;
  readonly released: PromiseWithResolvers<void>;
}

/** A held lock; disposing of it releases it. */
type ServiceLock = Disposable;

/** One lock per service. */
export class ServiceLocks {
  readonly #clock: Pick<Clock, "now">;
  readonly #holders = new Map<string, Holder>();
  /** When, in the order of ends, a component was last released. */
  readonly #released = new Map<string, number>();
  #ends = 0;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /**
   * Acquires a service's lock.
   *
   * @param lock.components The components that will be moved.
   * @param lock.operation By what others may watch it.
   * @throws {McpError} `conflict` when somebody holds it.
   */
  acquire(
    service: string,
    lock: {
      readonly verb: string;
      readonly actor: string;
      readonly components: readonly string[];
      readonly operation?: string | undefined;
    },
  ): ServiceLock {
    const now = this.#clock.now();
    const holder = this.#holders.get(service);
    if (holder !== undefined) {
      const since = holder.since.toISOString();
      const age = formatDuration(now.getTime() - holder.since.getTime());
      const { operation } = holder;
      const which = operation === undefined ? "" : `, operation ${operation}`;
      const hint = operation === undefined
        ? `Wait for it to end; \`mcp status ${service}\` shows how it went`
        : `Run \`mcp deploy ${service} --attach\` to watch it`;
      throw new McpError(
        "conflict",
        `Cannot ${lock.verb} "${service}": a ${holder.verb} by ${holder.actor} has been running since ${since} (${age}${which})`,
        { hint },
      );
    }
    const components = new Set(lock.components);
    const { verb, actor, operation } = lock;
    const released = Promise.withResolvers<void>();
    this.#holders.set(service, { verb, actor, since: now, components, operation, released });
    return {
      [Symbol.dispose]: () => {
        this.#holders.delete(service);
        this.#ends++;
        for (const component of components) {
          this.#released.set(`${service}/${component}`, this.#ends);
        }
        released.resolve();
      },
    };
  }

  /** Whether somebody holds a service's lock. */
  isHeld(service: string): boolean {
    return this.#holders.has(service);
  }

  /** A point in time, for {@link touchedSince}. */
  mark(): number {
    return this.#ends;
  }

  /** Whether a component is being moved now, or was at any time since the mark. */
  touchedSince(mark: number, service: string, component: string): boolean {
    if (this.#holders.get(service)?.components.has(component) === true) return true;
    return (this.#released.get(`${service}/${component}`) ?? 0) > mark;
  }

  /** Resolves when who moves the component of this container is done; undefined when nobody does. */
  untilMoved(container: string): Promise<void> | undefined {
    for (const [service, { components, released }] of this.#holders) {
      for (const component of components) {
        if (containerName(service, component) === container) return released.promise;
      }
    }
    return undefined;
  }

  /** Resolves when nobody holds a lock. */
  async idle(): Promise<void> {
    while (this.#holders.size > 0) {
      await Promise.all([...this.#holders.values()].map(({ released }) => released.promise));
    }
  }
}
