/**
 * When a token should be renewed. Pure.
 *
 * @module
 */

import type { StoredToken } from "./token_file.ts";

const shortestWindowMs = 300_000;

/** Whether it is over; a token whose end nobody knows is not. */
export function isOver({ expiresAt }: StoredToken, now: Date): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

/**
 * Whether a token is close enough to its end, or past it, to get a new one first.
 *
 * The last fifth of its life, five minutes at least: a command that begins now
 * should not end without a token. But never more than half of its life, or a
 * short-lived token would be renewed by every command.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { isDue } from "./renewal.ts";
 *
 * const issuedAt = new Date("2026-03-01T12:00:00Z");
 * const expiresAt = new Date("2026-03-01T13:00:00Z");
 * const due = (now: string) => isDue({ token: "t", issuedAt, expiresAt }, new Date(now));
 * strictEqual(due("2026-03-01T12:47:59Z"), false);
 * strictEqual(due("2026-03-01T12:48:00Z"), true);
 * ```
 */
export function isDue({ issuedAt, expiresAt }: StoredToken, now: Date): boolean {
  if (issuedAt === undefined || expiresAt === undefined) return false;
  const lifeMs = expiresAt.getTime() - issuedAt.getTime();
  const windowMs = Math.min(Math.max(lifeMs / 5, shortestWindowMs), lifeMs / 2);
  return now.getTime() >= expiresAt.getTime() - windowMs;
}
