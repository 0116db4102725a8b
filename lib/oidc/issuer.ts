/**
 * What can name an OpenID Connect provider.
 *
 * @module
 */

/** What {@link isIssuer} wants, for whoever wrote something else. */
export const issuerRule = 'an issuer like "https://id.example/realms/home"';

/**
 * Whether a text can be an issuer: an HTTPS address without a query, a fragment or a password.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { isIssuer } from "./issuer.ts";
 *
 * strictEqual(isIssuer("https://id.example/realms/home"), true);
 * strictEqual(isIssuer("http://id.example"), false);
 * strictEqual(isIssuer("https://id.example/?realm=home"), false);
 * ```
 */
export function isIssuer(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === "https:" && !/[?#\s]/.test(text) && url.username === "" &&
    url.password === "";
}
