/**
 * Bearer token in, caller out, or a refusal.
 *
 * @module
 */

import { McpError } from "../../../../lib/errors.ts";
import type { Call, Handler } from "../../../../lib/rpc/call.ts";
import type { TokenVerifier } from "../../auth/caller.ts";
import type { AuditedCall, AuthenticatedCall } from "../call.ts";

/** Longest token that is looked at; a longer one is none. */
const longestToken = 16 * 1024;

/** Lets a call in when its token is valid; what its caller may do is asked further in. */
export function authenticate(
  verifier: TokenVerifier,
  next: Handler<AuthenticatedCall>,
): Handler<AuditedCall> {
  return async (call) => {
    const caller = await verifier.verify(bearerToken(call));
    call.identify(caller);
    return await next({ ...call, caller });
  };
}

function bearerToken(call: Call): string {
  const header = call.header("authorization");
  if (header === undefined) {
    throw new McpError("unauthenticated", "The call brings no token", { hint: "Run `mcp login`" });
  }
  const token = /^Bearer (?<token>[\x21-\x7e]+)$/i.exec(header)?.groups?.["token"];
  if (token === undefined || token.length > longestToken) {
    throw new McpError("unauthenticated", "The call brings a malformed token", {
      hint: "Run `mcp login`",
    });
  }
  return token;
}
