/**
 * The keys of an OIDC provider: when they are fetched, and how long they are believed.
 *
 * A key that the provider has withdrawn must stop being believed, and a provider
 * that is down must not lock everybody out. So keys are fetched anew after ten
 * minutes; where that fails the old ones do for a day, and then nothing does.
 *
 * @module
 */

import { errorChain, McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { Clock } from "../../../lib/system/clock.ts";

/** After this the provider is asked again. */
const freshMs = 600_000;
/** After this, keys that could not be fetched again are believed no more. */
const believedMs = 86_400_000;
/** How long the provider is left alone: anybody can make up tokens whose key nobody knows. */
const cooldownMs = 30_000;

/** Keys, and when they were fetched. */
export interface FetchedKeys<Keys> {
  readonly keys: Keys;
  /** Milliseconds since 1970. */
  readonly fetchedAt: number;
}

/** Fetched keys, remembered: one set, whatever the provider publishes and callers bring. */
export class SigningKeys<Keys> {
  readonly #fetchKeys: () => Promise<Keys>;
  readonly #clock: Pick<Clock, "now">;
  #last: FetchedKeys<Keys> | undefined;
  #lastTriedAt = -Infinity;
  #lastFailure: unknown;
  #underway: Promise<FetchedKeys<Keys>> | undefined;

  /** @param fetchKeys Asks the provider; ends by its own deadline. */
  constructor(fetchKeys: () => Promise<Keys>, clock: Pick<Clock, "now">) {
    this.#fetchKeys = fetchKeys;
    this.#clock = clock;
  }

  /**
   * The keys to try first.
   *
   * @throws {McpError} `unavailable` when there are none, and none can be had.
   */
  async current(): Promise<FetchedKeys<Keys>> {
    const last = this.#last;
    if (last === undefined) return await this.#ask();
    const ageMs = this.#clock.now().getTime() - last.fetchedAt;
    // Fetched in the future: the clock was set back, and nobody knows how old they are.
    if (ageMs >= 0 && ageMs < freshMs) return last;
    const isBelieved = ageMs < believedMs;
    if (isBelieved && this.#isCoolingDown()) return last;
    try {
      return await this.#ask();
    } catch (error) {
      if (!isBelieved || !(error instanceof McpError)) throw error;
      // Going on is the decision: an identity provider that is down is no reason for a node that
      // nobody can control. It is logged because it ends after a day.
      log.agent.warning("Going on with the keys of {fetchedAt}: {reason}", {
        fetchedAt: new Date(last.fetchedAt).toISOString(),
        reason: errorChain(error),
      });
      return last;
    }
  }

  /**
   * The keys to try after some that did not include the one wanted: they may have
   * been rotated since.
   *
   * @returns Undefined when the provider has just said that there are no others.
   * @throws {McpError} `unavailable` when the provider cannot be asked.
   */
  async newerThan(tried: FetchedKeys<Keys>): Promise<FetchedKeys<Keys> | undefined> {
    if (this.#last !== undefined && this.#last !== tried) return this.#last;
    if (this.#isCoolingDown() && this.#underway === undefined) {
      if (this.#lastFailure === undefined) return undefined;
      // Nobody knows whether the key exists: that is no refusal.
      throw this.#lastFailure;
    }
    return await this.#ask();
  }

  #isCoolingDown(): boolean {
    const agoMs = this.#clock.now().getTime() - this.#lastTriedAt;
    return agoMs >= 0 && agoMs < cooldownMs;
  }

  /** Asks the provider; callers that need it at the same time share one question. */
  #ask(): Promise<FetchedKeys<Keys>> {
    return this.#underway ??= this.#fetchAndRemember().finally(() => this.#underway = undefined);
  }

  async #fetchAndRemember(): Promise<FetchedKeys<Keys>> {
    this.#lastTriedAt = this.#clock.now().getTime();
    try {
      const keys = await this.#fetchKeys();
      this.#lastFailure = undefined;
      return this.#last = { keys, fetchedAt: this.#clock.now().getTime() };
    } catch (error) {
      this.#lastFailure = error;
      throw error;
    }
  }
}
