/**
 * How containers were made, each asked about once: nothing of that changes but by removing them.
 *
 * @module
 */

import type { Clock } from "../../../lib/system/clock.ts";
import type { ContainerRuntime, DescribedContainer } from "../../runtime/runtime.ts";

interface DescriptionsOptions {
  readonly runtime: Pick<ContainerRuntime, "describeAll">;
  readonly clock: Pick<Clock, "now">;
}

/** `podman update` changes limits without telling anybody: asked again after a while. */
const believedForMs = 10 * 60_000;

interface Kept {
  /** Undefined: it could not be described, say for want of its image. */
  readonly described: DescribedContainer | undefined;
  readonly askedAtMs: number;
}

/** Describes containers, and remembers it. */
export class Descriptions {
  readonly #options: DescriptionsOptions;
  #kept = new Map<string, Kept>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: DescriptionsOptions) {
    this.#options = options;
  }

  /**
   * Describes the containers with these ids; those that are gone are left out.
   *
   * @param listed Ids of all containers there are: the others are forgotten.
   * @throws {McpError} `unavailable` when the runtime cannot be asked.
   */
  async of(
    ids: readonly string[],
    listed: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, DescribedContainer>> {
    // One after the other: the second finds what the first has learnt.
    const answer = this.#last.then(() => this.#learn(ids, listed));
    this.#last = answer.catch(() => {
      // Whoever asked gets the error; it is not remembered.
    });
    return await answer;
  }

  async #learn(
    ids: readonly string[],
    listed: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, DescribedContainer>> {
    const now = this.#options.clock.now().getTime();
    this.#kept = new Map(
      [...this.#kept].filter(([id, { askedAtMs }]) =>
        listed.has(id) && now - askedAtMs < believedForMs && askedAtMs <= now
      ),
    );
    const unknown = ids.filter((id) => !this.#kept.has(id));
    if (unknown.length > 0) {
      const learnt = await this.#options.runtime.describeAll(unknown);
      for (const id of unknown) this.#kept.set(id, { described: learnt.get(id), askedAtMs: now });
    }
    return new Map(ids.flatMap((id) => {
      const described = this.#kept.get(id)?.described;
      return described === undefined ? [] : [[id, described]];
    }));
  }
}
