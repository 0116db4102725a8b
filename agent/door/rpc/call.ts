/**
 * A call on its way in: what each interceptor has added to it.
 *
 * @module
 */

import type { Call } from "../../../lib/rpc/call.ts";
import type { Caller } from "../auth/caller.ts";

/** A call that can be told who made it. */
export interface AuditedCall extends Call {
  identify(caller: Caller): void;
}

/** A call whose caller is known. */
export interface AuthenticatedCall extends Call {
  readonly caller: Caller;
}
