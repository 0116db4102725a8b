/**
 * Remembers for a short while who holds a token, by its SHA-256, never by itself.
 *
 * @module
 */

import type { Clock } from "../../../lib/system/clock.ts";
import type { Caller, TokenVerifier } from "./caller.ts";
import { hashToken } from "./local.ts";

/** How long an answer is believed. */
const lifetimeMs = 30_000;
/** How many answers are kept; the oldest goes first. */
const capacity = 1_000;

interface Entry {
  readonly caller: Caller;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
}

/**
 * A verifier in front of another.
 *
 * Only acceptances are remembered: a refusal or an unreachable provider is asked
 * again next time. Callers that bring the same token at the same time share one
 * question.
 */
export class CachedVerifier implements TokenVerifier {
  readonly #inner: TokenVerifier;
  readonly #clock: Pick<Clock, "now">;
  readonly #entries = new Map<string, Entry>();
  readonly #underway = new Map<string, Promise<Caller>>();

  constructor(inner: TokenVerifier, clock: Pick<Clock, "now">) {
    this.#inner = inner;
    this.#clock = clock;
  }

  async verify(token: string): Promise<Caller> {
    const key = hashToken(token);
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      const now = this.#clock.now().getTime();
      // Before its beginning the clock was set back, and nobody knows how old it is.
      if (entry.from <= now && now < entry.until) return entry.caller;
      this.#entries.delete(key);
    }
    let asked = this.#underway.get(key);
    if (asked === undefined) {
      asked = this.#ask(key, token).finally(() => this.#underway.delete(key));
      this.#underway.set(key, asked);
    }
    return await asked;
  }

  async #ask(key: string, token: string): Promise<Caller> {
    const caller = await this.#inner.verify(token);
    const now = this.#clock.now().getTime();
    // A token that ends sooner is not believed longer than it lives.
    const until = Math.min(now + lifetimeMs, caller.expiresAt?.getTime() ?? Infinity);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < capacity) break;
      this.#entries.delete(oldest);
    }
    this.#entries.set(key, { caller, from: now, until });
    return caller;
  }
}
