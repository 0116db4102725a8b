/**
 * Who calls, and what they may do.
 *
 * Every RPC names the capability it needs; a role is a set of capabilities. In
 * v1 `admin` grants all and nothing less gets in. Narrower roles and tokens for
 * one service come as more entries here, and nowhere else.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";

/** Something an RPC can need. */
export type Capability =
  | "service:deploy"
  | "service:control"
  | "service:sync"
  | "service:adopt"
  | "service:read"
  | "service:remove"
  | "logs:read"
  | "files:write"
  | "files:read"
  | "node:read"
  | "node:prune";

/** Who a valid token speaks for. */
export interface Caller {
  readonly subject: string;
  readonly roles: readonly string[];
  /** When the token ends; undefined = its provider did not say. */
  readonly expiresAt: Date | undefined;
}

/** An identity provider: the one question it answers is who holds a token. */
export interface TokenVerifier {
  /**
   * @throws {McpError} `unauthenticated` for a token that is not valid (any more),
   *   `unavailable` when the provider cannot be asked.
   */
  verify(token: string): Promise<Caller>;
}

/**
 * Refuses a caller without the capability.
 *
 * @param service The service that the call is about; undefined = the whole node.
 * @throws {McpError} `forbidden`
 */
export function requireCapability(
  caller: Caller,
  capability: Capability,
  service: string | undefined,
): void {
  if (caller.roles.includes("admin")) return;
  const where = service === undefined || service === "" ? "this node" : `service "${service}"`;
  throw new McpError("forbidden", `"${caller.subject}" may not ${capability} on ${where}`, {
    hint: "Log in as somebody with the role admin",
  });
}
