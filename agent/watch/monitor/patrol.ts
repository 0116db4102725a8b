/**
 * Doubts what is listed as running although nothing was told of it: some of it at each turn, so that
 * everything had its turn after ten of them.
 *
 * It goes beside the looks and never within one: whoever waits for a look does not wait for a hundred
 * questions. What it finds is only a reason to look, and to doubt that container.
 *
 * @module
 */

import type { Observer } from "../reconcile/observe.ts";
import { runningContainers } from "../../registry/looks.ts";
import type { Registry } from "../../registry/registry.ts";
import { pooled } from "../../locks/pooled.ts";

interface PatrolOptions {
  readonly registry: Registry;
  readonly observer: Pick<Observer, "hasVanished" | "doubt">;
  /** Called when there is something to look at. */
  readonly onSuspect: () => void;
}

/** Of the containers that run, one in so many is doubted at each turn, and at least so many. */
const doubtedShare = 10;
const leastDoubted = 4;
/** How many containers are asked about at the same time. */
const parallelQuestions = 2;

/** Asks whether containers have vanished. */
export class Patrol {
  readonly #options: PatrolOptions;
  /** The last container, by name, that had its turn. */
  #last = "";

  constructor(options: PatrolOptions) {
    this.#options = options;
  }

  /** Asks about those whose turn it is; ends early when the signal trips. */
  async turn(signal: AbortSignal): Promise<void> {
    const { registry, observer, onSuspect } = this.#options;
    const turn = turnAfter(this.#last, runningContainers(registry));
    this.#last = turn.at(-1) ?? "";
    const answers = await pooled(
      turn.map((name) => async () =>
        !signal.aborted && await observer.hasVanished(name) ? [name] : []
      ),
      parallelQuestions,
    );
    const suspects = answers.flat();
    if (suspects.length === 0) return;
    observer.doubt(suspects);
    onSuspect();
  }
}

/** Those that come after one, and from the beginning again where there are not enough of them. */
function turnAfter(last: string, names: readonly string[]): readonly string[] {
  const next = Math.max(0, names.findIndex((name) => name > last));
  return [...names.slice(next), ...names.slice(0, next)]
    .slice(0, Math.max(leastDoubted, Math.ceil(names.length / doubtedShare)));
}
