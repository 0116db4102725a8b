/**
 * The embedded identity provider: tokens made on the node, kept as their SHA-256.
 *
 * @module
 */

import { createHash, randomBytes } from "node:crypto";
import { McpError } from "../../../lib/errors.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import type { Registry } from "../../registry/registry.ts";
import { addToken, findToken, type TokenRecord } from "../../registry/tokens.ts";
import type { Caller, TokenVerifier } from "./caller.ts";

/** How every local token begins, so that a leaked one can be recognized. */
const prefix = "mcp_";

/** SHA-256 of a token, in hexadecimal; the only form in which one is kept or compared. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** Makes a token and remembers its hash. The token is returned here and never again. */
export function createToken(
  registry: Registry,
  options: {
    readonly subject: string;
    readonly role: string;
    readonly lifetimeMs: number;
    readonly now: Date;
  },
): { readonly token: string; readonly record: TokenRecord } {
  const token = `${prefix}${randomBytes(32).toString("base64url")}`;
  const record: TokenRecord = {
    id: randomBytes(4).toString("hex"),
    subject: options.subject,
    role: options.role,
    createdAt: options.now,
    expiresAt: new Date(options.now.getTime() + options.lifetimeMs),
    revokedAt: undefined,
  };
  addToken(registry, { ...record, sha256: hashToken(token) });
  return { token, record };
}

/** {@link TokenVerifier} by the node's own registry. */
export class LocalVerifier implements TokenVerifier {
  readonly #registry: Registry;
  readonly #clock: Pick<Clock, "now">;

  constructor(registry: Registry, clock: Pick<Clock, "now">) {
    this.#registry = registry;
    this.#clock = clock;
  }

  // deno-lint-ignore require-await -- the interface is for providers that must be asked
  async verify(token: string): Promise<Caller> {
    const record = findToken(this.#registry, hashToken(token));
    if (record === undefined) throw refused("is not known to this node", "mcp-agent token create");
    if (record.revokedAt !== undefined) throw refused("was revoked", "mcp-agent token create");
    if (record.expiresAt.getTime() <= this.#clock.now().getTime()) {
      throw refused(`expired at ${record.expiresAt.toISOString()}`, "mcp-agent token create");
    }
    return { subject: record.subject, roles: [record.role], expiresAt: record.expiresAt };
  }
}

function refused(why: string, command: string): McpError {
  return new McpError("unauthenticated", `The token ${why}`, {
    hint: `Make a new one on the node with \`${command}\`, then run \`mcp login\``,
  });
}
