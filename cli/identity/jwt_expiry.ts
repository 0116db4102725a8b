/**
 * When a JWT ends, by what it says itself.
 *
 * Read without being verified: it is our own token, and all that hangs on it is
 * when to ask for a new one.
 *
 * @module
 */

/** The end of a JWT; undefined when it is none, or does not say. */
export function jwtExpiry(token: string): Date | undefined {
  const body = token.split(".")[1];
  if (body === undefined) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(body, { alphabet: "base64url" });
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof claims !== "object" || claims === null || !("exp" in claims)) return undefined;
    const end = new Date(typeof claims.exp === "number" ? claims.exp * 1_000 : NaN);
    return Number.isNaN(end.getTime()) ? undefined : end;
  } catch {
    // It is opaque, as access tokens may be.
    return undefined;
  }
}
