import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from "jose";
import { errorChain, McpError } from "../../../lib/errors.ts";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { type OidcRules, OidcVerifier } from "./oidc.ts";

const issuer = "https://id.example/realms/home";
const rules: OidcRules = {
  audience: "mcp",
  jwksUri: undefined,
  subjectClaim: "sub",
  roleClaim: "roles",
  adminRole: "admin",
};
const start = new Date("2030-01-01T00:00:00Z");
const startSeconds = start.getTime() / 1000;
const rsa = await keyPair("RS256", "first");

async function keyPair(alg: string, kid: string | undefined) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const named = kid === undefined ? {} : { kid };
  return { alg, privateKey, publicKey, jwk: { ...await exportJWK(publicKey), ...named }, ...named };
}

interface Claims extends JWTPayload {
  readonly roles?: unknown;
}

const claims: Claims = {
  iss: issuer,
  aud: "mcp",
  sub: "ada",
  roles: ["admin"],
  iat: startSeconds,
  exp: startSeconds + 600,
};

function sign(
  change: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
  key: CryptoKey | Uint8Array = rsa.privateKey,
): Promise<string> {
  return new SignJWT({ ...claims, ...change })
    .setProtectedHeader({ alg: "RS256", kid: "first", ...header }).sign(key);
}

/** A verifier before a provider that publishes these keys, which the test may change. */
function verifierOf(keys: readonly Readonly<Record<string, unknown>>[], change = {}) {
  const state = { keys, asked: 0, jwksUri: `${issuer}/keys`, isDown: false };
  const clock = new FakeClock({ start });
  const client = {
    issuer,
    discover: () =>
      Promise.resolve({
        jwksUri: new URL(state.jwksUri),
        tokenEndpoint: undefined,
        deviceAuthorizationEndpoint: undefined,
        revocationEndpoint: undefined,
      }),
    keys: (_url: URL) => {
      state.asked++;
      return state.isDown
        ? Promise.reject(new McpError("unavailable", "It is down"))
        : Promise.resolve({ keys: state.keys });
    },
  };
  return { state, clock, verifier: new OidcVerifier({ client, clock }, { ...rules, ...change }) };
}

/** Why the token is refused; neither it nor what it holds may be told. */
async function reasonOf(verifier: OidcVerifier, token: string): Promise<string> {
  let reason = "";
  await rejects(verifier.verify(token), (error) => {
    ok(error instanceof McpError, String(error));
    strictEqual(error.kind, "unauthenticated");
    strictEqual(error.hint, "Run `mcp login`");
    const told = Deno.inspect(error, { depth: 10 });
    for (const part of token.split(".").filter((part) => part.length > 8)) {
      ok(!told.includes(part), told);
    }
    reason = errorChain(error).replace("The token is not accepted: ", "");
    return true;
  });
  return reason;
}

for (
  const alg of ["RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"] as const
) {
  Deno.test({
    name: `OidcVerifier.verify() takes a token signed by ${alg}`,
    permissions: "none",
    fn: async () => {
      const { privateKey, jwk } = await keyPair(alg, "k");
      const { verifier } = verifierOf([jwk]);
      deepStrictEqual(await verifier.verify(await sign({}, { alg, kid: "k" }, privateKey)), {
        subject: "ada",
        roles: ["admin"],
        expiresAt: new Date("2030-01-01T00:10:00Z"),
      });
    },
  });
}

for (
  const [given, change, header] of [
    ["several audiences, ours among them", { aud: ["other", "mcp"] }, {}],
    ["the type of an access token", {}, { typ: "at+jwt" }],
    ["the type of an access token, in full", {}, { typ: "application/at+jwt" }],
    ["the type of any JWT", {}, { typ: "JWT" }],
    ["a beginning within the clocks' difference", { nbf: startSeconds + 30 }, {}],
    ["an end within the clocks' difference", { exp: startSeconds - 29 }, {}],
  ] as const
) {
  Deno.test({
    name: `OidcVerifier.verify() takes a token with ${given}`,
    permissions: "none",
    fn: async () => {
      const { verifier } = verifierOf([rsa.jwk]);
      strictEqual((await verifier.verify(await sign(change, header))).subject, "ada");
    },
  });
}

const hmacKey = new TextEncoder().encode(await exportSPKI(rsa.publicKey));
const whole = await sign();
const [head = "", body = "", signature = ""] = whole.split(".");
const strangeRsa = await keyPair("RS256", "first");
const encode = (value: unknown) =>
  new TextEncoder().encode(JSON.stringify(value)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });

const refused: readonly (readonly [given: string, token: () => Promise<string>, RegExp])[] = [
  ["another issuer", () => sign({ iss: "https://evil.example" }), /^another issuer made it$/],
  ["no issuer", () => sign({ iss: undefined }), /missing or wrong|another issuer/],
  ["an issuer with a slash more", () => sign({ iss: `${issuer}/` }), /^another issuer made it$/],
  ["another audience", () => sign({ aud: "other" }), /^it is for another audience$/],
  ["no audience", () => sign({ aud: undefined }), /another audience|missing/],
  ["an audience that only begins like ours", () => sign({ aud: "mcp2" }), /another audience$/],
  ["an end in the past", () => sign({ exp: startSeconds - 30 }), /^it has expired$/],
  ["no end", () => sign({ exp: undefined }), /missing or wrong$/],
  ["an end that is a text", () => sign({ exp: "2040" }), /missing or wrong|no ID token/],
  ["a beginning in the future", () => sign({ nbf: startSeconds + 31 }), /^it is not valid yet$/],
  ["no subject", () => sign({ sub: undefined }), /^its claim "sub" names nobody$/],
  ["the type of a logout token", () => sign({}, { typ: "logout+jwt" }), /^it is no ID token/],
  ["the key of somebody else", () => sign({}, {}, strangeRsa.privateKey), /signature is wrong$/],
  ["a key that nobody published", () => sign({}, { kid: "?" }), /^the provider has no such key$/],
  [
    "no signature",
    () =>
      Promise.resolve(
        new UnsecuredJWT(claims).setIssuedAt().encode(),
      ),
    /algorithm is not one of ours|cannot be verified|no ID token/,
  ],
  [
    "the algorithm none and our key's name",
    () => Promise.resolve(`${encode({ alg: "none", kid: "first" })}.${body}.`),
    /algorithm is not one of ours|no ID token/,
  ],
  [
    "HS256 by our public key",
    () => sign({}, { alg: "HS256" }, hmacKey),
    /^its algorithm is not one of ours$/,
  ],
  [
    "another's key in its own header",
    () => sign({}, { jwk: strangeRsa.jwk, kid: "?" }, strangeRsa.privateKey),
    /^the provider has no such key$/,
  ],
  [
    "a header of another token",
    () => Promise.resolve(`${encode({ alg: "RS256", kid: "first", x: 1 })}.${body}.${signature}`),
    /^its signature is wrong$/,
  ],
  [
    "a body of another token",
    () => Promise.resolve(`${head}.${encode({ ...claims, sub: "root" })}.${signature}`),
    /^its signature is wrong$/,
  ],
  [
    "an extension that must be understood",
    () =>
      sign({}, { crit: ["x"], x: true }).catch(() =>
        Promise.resolve(
          `${encode({ alg: "RS256", kid: "first", crit: ["x"], x: 1 })}.${body}.${signature}`,
        )
      ),
    /cannot be verified|no ID token/,
  ],
  ["two parts", () => Promise.resolve(`${head}.${body}`), /^it is no ID token/],
  ["five parts", () => Promise.resolve(`${whole}.a.b`), /^it is no ID token/],
  ["the form of a local token", () => Promise.resolve("mcp_abcdefghijklmn"), /^it is no ID token/],
];
for (const [given, token, reason] of refused) {
  Deno.test({
    name: `OidcVerifier.verify() refuses a token with ${given}`,
    permissions: "none",
    fn: async () => {
      const { verifier } = verifierOf([rsa.jwk]);
      const told = await reasonOf(verifier, await token());
      ok(reason.test(told), told);
    },
  });
}

Deno.test({
  name: "OidcVerifier.verify() tries all keys for a token that names none",
  permissions: "none",
  fn: async () => {
    const keys = await Promise.all([1, 2, 3].map(() => keyPair("ES256", undefined)));
    const { verifier } = verifierOf(keys.map(({ jwk }) => jwk));
    for (const { privateKey } of keys) {
      const token = await sign({}, { alg: "ES256", kid: undefined }, privateKey);
      strictEqual((await verifier.verify(token)).subject, "ada");
    }
    const { privateKey } = await keyPair("ES256", undefined);
    const token = await sign({}, { alg: "ES256", kid: undefined }, privateKey);
    strictEqual(await reasonOf(verifier, token), "its signature is wrong");
  },
});

Deno.test({
  name: "OidcVerifier.verify() believes no key that signs what it verifies",
  permissions: "none",
  fn: async () => {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const { verifier } = verifierOf([{ kty: "oct", k: secret.toBase64(), kid: "s" }]);
    const token = await sign({}, { alg: "HS256", kid: "s" }, secret);
    strictEqual(await reasonOf(verifier, token), "its algorithm is not one of ours");
  },
});

Deno.test({
  name: "OidcVerifier.verify() takes up a rotated key, and gives up a withdrawn one",
  permissions: "none",
  fn: async () => {
    const { state, clock, verifier } = verifierOf([rsa.jwk]);
    const old = await sign({ exp: startSeconds + 86_400 });
    await verifier.verify(old);
    const next = await keyPair("RS256", "second");
    state.keys = [next.jwk];
    const token = await sign({}, { kid: "second" }, next.privateKey);
    strictEqual(await reasonOf(verifier, token), "the provider has no such key");
    await clock.advance(30_000);
    strictEqual((await verifier.verify(token)).subject, "ada");
    strictEqual(await reasonOf(verifier, old), "the provider has no such key");
    strictEqual(state.asked, 2);
  },
});

Deno.test({
  name: "OidcVerifier.verify() says unavailable, not refused, when it cannot have the keys",
  permissions: "none",
  fn: async () => {
    const { state, verifier } = verifierOf([rsa.jwk]);
    state.isDown = true;
    await rejects(verifier.verify(whole), { kind: "unavailable" });
    await rejects(verifier.verify("made-up"), { kind: "unavailable" });
  },
});

Deno.test({
  name: "OidcVerifier.verify() goes to no other host for keys unless the config names it",
  permissions: "none",
  fn: async () => {
    const jwksUri = "https://keys.example/all";
    const { state, verifier } = verifierOf([rsa.jwk]);
    state.jwksUri = jwksUri;
    await rejects(verifier.verify(whole), {
      kind: "unavailable",
      hint: `Set oidc.jwks_uri in the agent's config to "${jwksUri}"`,
    });
    strictEqual(state.asked, 0);
    await verifierOf([rsa.jwk], { jwksUri }).verifier.verify(whole);
  },
});
