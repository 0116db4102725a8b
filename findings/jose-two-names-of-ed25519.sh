#!/usr/bin/env bash
# Tool:     jose 6.2.17 (npm), createLocalJWKSet() and jwtVerify()
# Surprise: One and the same Ed25519 key has two names of its algorithm, "EdDSA" and the newer "Ed25519" (RFC
#           9864). A token signed with the one is refused by a key set whose key is labelled with the other: "no
#           applicable key found", as if the key had been rotated away. A key without a label takes both.
# Guess:    The signature decides: the key is the same, and each name alone is accepted.
# For MCP:  agent/door/auth/oidc.ts takes tokens of either name; a provider that moves to the new name for its tokens
#           and not for its published keys logs everybody out, and the error points at the keys.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> token EdDSA, key EdDSA: accepted
#> token EdDSA, key Ed25519: ERR_JWKS_NO_MATCHING_KEY
#> token EdDSA, key without alg: accepted
#> token Ed25519, key EdDSA: ERR_JWKS_NO_MATCHING_KEY
#> token Ed25519, key Ed25519: accepted
#> token Ed25519, key without alg: accepted
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts deno@2.9.6 jose@6.2.17
deno=$(echo "$tmp"/node_modules/@deno/*/deno)

cat > "$tmp/verify.mjs" <<'END'
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from "jose";
const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
const bare = { ...await exportJWK(publicKey), kid: "1" };
for (const signed of ["EdDSA", "Ed25519"]) {
  const token = await new SignJWT({}).setProtectedHeader({ alg: signed, kid: "1" })
    .setExpirationTime("1h").sign(privateKey);
  for (const alg of ["EdDSA", "Ed25519", undefined]) {
    const keys = createLocalJWKSet({ keys: [alg === undefined ? bare : { ...bare, alg }] });
    const answer = await jwtVerify(token, keys).then(() => "accepted", (error) => error.code);
    console.log(`token ${signed}, key ${alg ?? "without alg"}: ${answer}`);
  }
}
END
timeout 60 "$deno" run --quiet --allow-all "$tmp/verify.mjs" | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
