/**
 * Every call leaves one line: who called what, from where, how it ended, how long it took.
 *
 * It lies outside the authentication, so that refused calls leave a line too;
 * who the caller is, it learns on the way back.
 *
 * @module
 */

import { errorChain } from "../../../../lib/errors.ts";
import { log } from "../../../../lib/log.ts";
import type { Call, Handler } from "../../../../lib/rpc/call.ts";
import { statusName } from "../../../../lib/rpc/status.ts";
import type { Clock } from "../../../../lib/system/clock.ts";
import type { AuditEntry } from "../../../registry/audit.ts";
import type { AuditedCall } from "../call.ts";
import { serviceOf } from "../service.ts";

/** What keeps the audit. */
interface AuditKeeper {
  readonly clock: Pick<Clock, "now">;
  /** Keeps one entry, before the call is answered. */
  keep(call: Call, entry: AuditEntry): void;
}

/** Logs every call at info level when it has ended, and has it kept. */
export function audit({ clock, keep }: AuditKeeper, next: Handler<AuditedCall>): Handler {
  return async (call) => {
    let caller = "";
    const began = clock.now();
    const record = (outcome: string, reason: string) => {
      // A clock that was set back meanwhile must leave nothing that no answer could carry.
      const durationMs = Math.max(0, clock.now().getTime() - began.getTime());
      const { peer, method: { name: method } } = call;
      log.audit.info("{method} by {caller} from {peer}: {outcome}", {
        method,
        caller: caller === "" ? "nobody known" : caller,
        peer,
        at: began.toISOString(),
        outcome,
        ...(reason === "" ? {} : { reason }),
        durationMs,
      });
      const service = serviceOf(call);
      keep(call, { method, caller, peer, service, at: began, outcome, reason, durationMs });
    };
    try {
      const response = await next({ ...call, identify: ({ subject }) => caller = subject });
      record("OK", "");
      return response;
    } catch (error) {
      record(statusName(error), errorChain(error));
      throw error;
    }
  };
}
