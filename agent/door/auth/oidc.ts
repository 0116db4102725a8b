/**
 * Any OpenID Connect provider: a JWT that it has signed says who holds it.
 *
 * The provider is asked for its keys, never about a token, so a token goes
 * nowhere. `jose` does the cryptography; which algorithms, issuer, audience and
 * times are right is said here, and a token that lacks one of them is refused.
 *
 * @module
 */

import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from "jose";
import { McpError } from "../../../lib/errors.ts";
import type { OidcClient } from "../../../lib/oidc/client.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import type { Caller, TokenVerifier } from "./caller.ts";
import { type ClaimRules, holderOf } from "./claims.ts";
import { type FetchedKeys, SigningKeys } from "./signing_keys.ts";

/** Whose tokens are accepted, and what they say. */
export interface OidcRules extends ClaimRules {
  /** Whom tokens must be for; for an ID token that is the client's id. */
  readonly audience: string;
  /** Where the keys are; undefined = where the issuer says, on its own host. */
  readonly jwksUri: string | undefined;
}

/** What verifying needs. */
interface OidcDeps {
  readonly client: Pick<OidcClient, "issuer" | "discover" | "keys">;
  readonly clock: Pick<Clock, "now">;
}

/** Asymmetric ones only: the key that verifies is public, and must not be one that signs. */
const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
/** How far the provider's clock may be from this one. */
const clockToleranceSeconds = 30;
/** Of a JWT that says what it is: an ID token, an access token, or nothing in particular. */
const acceptedTypes = new Set(["jwt", "at+jwt"]);
/** The last millisecond that a `Date` can be. */
const endOfTime = 8.64e15;

/** {@link TokenVerifier} by the published keys of an OIDC provider. */
export class OidcVerifier implements TokenVerifier {
  readonly #issuer: string;
  readonly #rules: OidcRules;
  readonly #clock: Pick<Clock, "now">;
  readonly #keys: SigningKeys<JWTVerifyGetKey>;

  constructor({ client, clock }: OidcDeps, rules: OidcRules) {
    this.#issuer = client.issuer;
    this.#rules = rules;
    this.#clock = clock;
    this.#keys = new SigningKeys(() => fetchKeys(client, rules.jwksUri), clock);
  }

  async verify(token: string): Promise<Caller> {
    const claims = await this.#claimsOf(token);
    const holder = holderOf(claims, this.#rules);
    if (holder === undefined) throw refused(`its claim "${this.#rules.subjectClaim}" names nobody`);
    const end = Math.min((claims.exp ?? 0) * 1000, endOfTime);
    return { ...holder, expiresAt: new Date(end) };
  }

  async #claimsOf(token: string): Promise<JWTPayload> {
    const tried = await this.#keys.current();
    try {
      return await this.#verified(token, tried);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw refused(reasonOf(error));
    }
    const newer = await this.#keys.newerThan(tried);
    if (newer === undefined) throw refused(noSuchKey);
    try {
      return await this.#verified(token, newer);
    } catch (error) {
      throw refused(reasonOf(error));
    }
  }

  async #verified(token: string, { keys }: FetchedKeys<JWTVerifyGetKey>): Promise<JWTPayload> {
    const options: JWTVerifyOptions = {
      algorithms,
      issuer: this.#issuer,
      audience: this.#rules.audience,
      currentDate: this.#clock.now(),
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ["exp"],
    };
    const { payload, protectedHeader } = await verifyWithAny(token, keys, options);
    // A logout token, say, is signed by the same key and for the same audience, and lets nobody in.
    const type = (protectedHeader.typ ?? "JWT").toLowerCase().replace(/^application\//, "");
    if (!acceptedTypes.has(type)) throw new errors.JWTInvalid("its type is not one of these");
    return payload;
  }
}

/** Tries each key that fits, where the token does not say which one it is. */
async function verifyWithAny(token: string, keys: JWTVerifyGetKey, options: JWTVerifyOptions) {
  try {
    return await jwtVerify(token, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options);
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

async function fetchKeys(
  client: OidcDeps["client"],
  jwksUri: string | undefined,
): Promise<JWTVerifyGetKey> {
  const url = jwksUri === undefined ? await discoverKeys(client) : new URL(jwksUri);
  const { keys } = await client.keys(url);
  try {
    return createLocalJWKSet({ keys } as JSONWebKeySet);
  } catch (cause) {
    throw new McpError("unavailable", `Cannot use the keys of ${client.issuer}`, { cause });
  }
}

/** The agent may reach the hosts of its config only, so keys elsewhere have to be named there. */
async function discoverKeys(client: OidcDeps["client"]): Promise<URL> {
  const { jwksUri } = await client.discover();
  if (jwksUri.host === new URL(client.issuer).host) return jwksUri;
  throw new McpError("unavailable", `Cannot fetch the keys of ${client.issuer}`, {
    cause: new Error(`they are on another host, at ${jwksUri.href}`),
    hint: `Set oidc.jwks_uri in the agent's config to "${jwksUri.href}"`,
  });
}

const noSuchKey = "the provider has no such key";

/** Why a token is refused, in our own words: no error of a library says what a token holds. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "it has expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    switch (error.claim) {
      case "iss":
        return "another issuer made it";
      case "aud":
        return "it is for another audience";
      case "nbf":
        return "it is not valid yet";
      default:
        return "a claim that is needed is missing or wrong";
    }
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature is wrong";
  if (error instanceof errors.JOSEAlgNotAllowed) return "its algorithm is not one of ours";
  if (error instanceof errors.JWKSNoMatchingKey) return noSuchKey;
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid) {
    return "it is no ID token and no access token in JWT form";
  }
  return "it cannot be verified";
}

function refused(reason: string): McpError {
  return new McpError("unauthenticated", "The token is not accepted", {
    cause: new Error(reason),
    hint: "Run `mcp login`",
  });
}
