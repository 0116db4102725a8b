/**
 * Outermost layer: a defect is logged with its chain, then told as what it is.
 *
 * @module
 */

import { errorChain, McpError } from "../../../../lib/errors.ts";
import { log } from "../../../../lib/log.ts";
import type { Handler } from "../../../../lib/rpc/call.ts";

/** Logs what is not an `McpError`, which is a broken assumption of ours; passes every error on. */
export function reportFailures(next: Handler): Handler {
  return async (call) => {
    try {
      return await next(call);
    } catch (error) {
      if (!(error instanceof McpError)) {
        log.agent.error("Defect in {method}: {chain}", {
          method: call.method.name,
          chain: errorChain(error),
          stack: error instanceof Error ? error.stack : undefined,
        });
      }
      throw error;
    }
  };
}
