import { deepStrictEqual } from "node:assert/strict";
import { jwtExpiry } from "./jwt_expiry.ts";

const jwt = (body: string) =>
  `e30.${
    new TextEncoder().encode(body).toBase64({ alphabet: "base64url", omitPadding: true })
  }.c2ln`;

for (
  const [given, token, expiry] of [
    ["a JWT", jwt('{"exp":1893456000}'), new Date("2030-01-01T00:00:00Z")],
    ["a JWT without an end", jwt("{}"), undefined],
    ["a JWT whose end is a text", jwt('{"exp":"2030"}'), undefined],
    ["a JWT whose end no date can be", jwt('{"exp":1e300}'), undefined],
    ["a JWT that holds no object", jwt("null"), undefined],
    ["two dots", "a.b.c", undefined],
    ["an opaque token", "abcdef", undefined],
  ] as const
) {
  Deno.test({
    name: `jwtExpiry() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(jwtExpiry(token), expiry),
  });
}
