/**
 * Tokens of the local identity provider; only their SHA-256 is kept.
 *
 * @module
 */

import type { Registry } from "./registry.ts";
import { optionalTime, type Row, sql, text, time } from "./row.ts";

/** A token as the registry has it. */
export interface TokenRecord {
  /** Short name for people, e.g. "k3f9x2". */
  readonly id: string;
  /** Whom the token speaks for. */
  readonly subject: string;
  readonly role: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | undefined;
}

/** Adds a token by its hash. */
export function addToken(
  registry: Registry,
  token: Omit<TokenRecord, "revokedAt"> & { readonly sha256: string },
): void {
  registry.run(...sql`INSERT INTO tokens (id, subject, role, sha256, created_at, expires_at)
     VALUES (${token.id}, ${token.subject}, ${token.role}, ${token.sha256}, ${token.createdAt},
     ${token.expiresAt})`);
}

/** The token with this hash, also when it is expired or revoked. */
export function findToken(registry: Registry, sha256: string): TokenRecord | undefined {
  const row = registry.get(...sql`SELECT * FROM tokens WHERE sha256 = ${sha256}`);
  return row && toToken(row);
}

/** All tokens, newest first. */
export function listTokens(registry: Registry): TokenRecord[] {
  return registry.all("SELECT * FROM tokens ORDER BY created_at DESC, id").map(toToken);
}

/** Revokes a token; whether there was one to revoke. */
export function revokeToken(registry: Registry, id: string, now: Date): boolean {
  return registry.run(...sql`UPDATE tokens SET revoked_at = ${now}
     WHERE id = ${id} AND revoked_at IS NULL`) > 0;
}

function toToken(row: Row): TokenRecord {
  return {
    id: text(row, "id"),
    subject: text(row, "subject"),
    role: text(row, "role"),
    createdAt: time(row, "created_at"),
    expiresAt: time(row, "expires_at"),
    revokedAt: optionalTime(row, "revoked_at"),
  };
}
