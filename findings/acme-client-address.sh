#!/usr/bin/env bash
# Tool:     acme-client 5.4.0 (npm) with the ACME test server pebble 2.4.0+ds1-2+b4 (Debian 12)
# Surprise: createCsr() writes a correct request for an IP address, and auto() then orders it as a DNS name: the
#           server refuses the order, "included a DNS identifier with an IP address value". An order of type "ip",
#           made step by step with the same client and the same request, gives the certificate.
# Guess:    One library: what its one half writes, its other half orders (RFC 8738 is of 2020, and public
#           authorities give certificates for addresses now).
# For MCP:  A node that is reached by its address gets its certificate from the agent's own CA, or by an order that
#           is spelled out; auto() is for names.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> the request is for: IP Address:127.0.0.1
#> auto(): Order included a DNS identifier with an IP address value: "127.0.0.1"
#> an order of type ip: a certificate for IP Address:127.0.0.1
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2> /dev/null || true; wait; rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts \
  deno@2.9.6 acme-client@5.4.0
deno=$(echo "$tmp"/node_modules/@deno/*/deno)
(cd "$tmp" && timeout 300 apt-get download -qq pebble=2.4.0+ds1-2+b4 2> apt ||
  { cat apt >&2; echo "Debian no longer has pebble 2.4.0+ds1-2+b4." >&2; exit 1; })
dpkg -x "$tmp"/*.deb "$tmp/root"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout "$tmp/key.pem" \
  -out "$tmp/ca.pem" -subj /CN=localhost -addext "subjectAltName=DNS:localhost" 2> "$tmp/openssl"
port=$((20000 + RANDOM % 20000))
cat > "$tmp/pebble.json" <<END
{ "pebble": { "listenAddress": "127.0.0.1:$port", "managementListenAddress": "127.0.0.1:$((port + 1))",
  "certificate": "$tmp/ca.pem", "privateKey": "$tmp/key.pem", "httpPort": $((port + 2)), "tlsPort": $((port + 3)) } }
END
PEBBLE_VA_NOSLEEP=1 PEBBLE_VA_ALWAYS_VALID=1 PEBBLE_WFE_NONCEREJECT=0 \
  timeout 60 "$tmp/root/usr/bin/pebble" -config "$tmp/pebble.json" > "$tmp/log" 2>&1 &
pids+=($!)
for _ in $(seq 50); do
  timeout 5 curl -s --cacert "$tmp/ca.pem" -o "$tmp/ready" "https://localhost:$port/dir" && break
  sleep 0.1
done

cat > "$tmp/order.mjs" <<'END'
import acme from "acme-client";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { Agent } from "node:https";
const folder = import.meta.dirname;
acme.axios.defaults.httpsAgent = new Agent({ ca: readFileSync(`${folder}/ca.pem`) });
const client = new acme.Client({
  directoryUrl: `https://localhost:${Deno.args[0]}/dir`,
  accountKey: await acme.crypto.createPrivateEcdsaKey(),
});
const address = "127.0.0.1";
const [, csr] = await acme.crypto.createCsr({ altNames: [address] }, await acme.crypto.createPrivateEcdsaKey());
writeFileSync(`${folder}/csr.pem`, csr);
const text = execFileSync("openssl", ["req", "-noout", "-text", "-in", `${folder}/csr.pem`], { encoding: "utf8" });
console.log(`the request is for: ${text.match(/IP Address:\S+|DNS:\S+/)[0]}`);

const nothing = () => Promise.resolve();
await client.auto({
  csr,
  termsOfServiceAgreed: true,
  skipChallengeVerification: true,
  challengeCreateFn: nothing,
  challengeRemoveFn: nothing,
}).then(() => console.log("auto(): a certificate"), (error) => console.log(`auto(): ${error.message}`));

const order = await client.createOrder({ identifiers: [{ type: "ip", value: address }] });
for (const authorization of await client.getAuthorizations(order)) {
  const [challenge] = authorization.challenges.filter(({ type }) => type === "http-01");
  await client.completeChallenge(challenge);
  await client.waitForValidStatus(challenge);
}
const certificate = new X509Certificate(await client.getCertificate(await client.finalizeOrder(order, csr)));
console.log(`an order of type ip: a certificate for ${certificate.subjectAltName}`);
Deno.exit();
END
timeout 60 "$deno" run --quiet --allow-all "$tmp/order.mjs" "$port" | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What these tools do has changed." >&2; exit 1; }
