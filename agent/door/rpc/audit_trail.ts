/**
 * Brings audit entries into the registry: at once where something was changed, together where
 * something was only read.
 *
 * Each transaction waits for the disk. Calls that only read may come by the thousand;
 * their entries are in the log at once and in the registry a moment later.
 *
 * @module
 */

import { errorChain } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import { appendAudit, type AuditEntry } from "../../registry/audit.ts";
import type { Registry } from "../../registry/registry.ts";

const gatherMs = 500;
const mostGathered = 500;

/** The way of audit entries into the registry; disposing of it brings the last ones in. */
export class AuditTrail implements Disposable {
  readonly #registry: Registry;
  #gathered: AuditEntry[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** @param options.now Whether it must be remembered before the call is answered. */
  add(entry: AuditEntry, options: { readonly now: boolean }): void {
    this.#gathered.push(entry);
    if (options.now || this.#gathered.length >= mostGathered) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), gatherMs);
  }

  /** Brings everything in that was gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const entries = this.#gathered;
    if (entries.length === 0) return;
    this.#gathered = [];
    try {
      appendAudit(this.#registry, entries);
    } catch (error) {
      // The calls have happened, and the log has them; a full disk must not undo what they did.
      log.audit.error("Cannot keep {count} audit entries in the registry: {reason}", {
        count: entries.length,
        reason: errorChain(error),
      });
    }
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}
