/**
 * Every call leaves one line: who called what, from where, how it ended, how long it took.
 *
 * It lies outside the authentication, so that refused calls leave a line too;
 * who the caller is, it learns on the way back.
 *
 * @module
 */

import { errorChain } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { Call, Handler } from "../../../lib/rpc/call.ts";
import { statusName } from "../../../lib/rpc/status.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import type { Caller } from "../../auth/caller.ts";

/** A call that can be told who made it. */
export interface AuditedCall extends Call {
  identify(caller: Caller): void;
}

/** Logs every call at info level when it has ended. */
export function audit(clock: Pick<Clock, "now">, next: Handler<AuditedCall>): Handler {
  return async (call) => {
    let caller = "";
    const began = clock.now();
    const record = (outcome: string, reason: string) =>
      log.audit.info("{method} by {caller} from {peer}: {outcome}", {
        method: call.method.name,
        caller: caller === "" ? "nobody known" : caller,
        peer: call.peer,
        at: began.toISOString(),
        outcome,
        ...(reason === "" ? {} : { reason }),
        durationMs: clock.now().getTime() - began.getTime(),
      });
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
