/**
 * Digests of images, for people.
 *
 * @module
 */

/**
 * The beginning of a digest, which is enough to tell two apart; empty when there is none.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { shortDigest } from "./digest.ts";
 *
 * strictEqual(shortDigest(`sha256:${"0123456789abcdef".repeat(4)}`), "0123456789ab");
 * ```
 */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, 12);
}
