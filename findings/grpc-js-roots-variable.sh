#!/usr/bin/env bash
# Tool:     @grpc/grpc-js 1.14.7 on Deno 2.9.6 (both npm)
# Surprise: A TLS server made by ServerCredentials.createSsl(null, pairs) answers nobody once the machine has
#           GRPC_DEFAULT_SSL_ROOTS_FILE_PATH set to its usual CA bundle: the names of all those roots go into
#           each handshake, and clients refuse a message that large.
# Guess:    A variable for the roots that a client believes does not concern a server, least of all one that
#           was told null and asks for no client certificates. Under Node the same program serves.
# For MCP:  lib/rpc/tls.ts gives the server a root of its own, so that the variable is never read.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> variable unset: answered
#> variable set, one root: answered
#> variable set, 140 roots: received corrupt message of type HandshakePayloadTooLarge
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts \
  deno@2.9.6 @grpc/grpc-js@1.14.7
deno=$(echo "$tmp"/node_modules/@deno/*/deno)

certificate() { # file name, subject
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
    -keyout "$tmp/key.pem" -out "$tmp/$1" -subj "$2" -addext "subjectAltName=DNS:localhost" 2> "$tmp/openssl"
}
name="/O=The certification authority of a company with a long name/OU=Department of certificates/CN=Root"
for number in $(seq 140); do
  certificate root.pem "$name $number"
  cat "$tmp/root.pem" >> "$tmp/roots.pem"
done
certificate certificate.pem /CN=localhost

cat > "$tmp/call.mjs" <<'END'
import { credentials, makeGenericClientConstructor, Server, ServerCredentials } from "@grpc/grpc-js";
const file = (name) => Deno.readFileSync(`${import.meta.dirname}/${name}`);
const [certificate, key] = [file("certificate.pem"), file("key.pem")].map((bytes) => Buffer.from(bytes));
const same = (bytes) => bytes;
const service = {
  echo: {
    ...{ path: "/test.Test/Echo", requestStream: false, responseStream: false },
    ...{ requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same },
  },
};
const server = new Server();
server.addService(service, { echo: (call, answer) => answer(null, call.request) });
const secret = ServerCredentials.createSsl(null, [{ cert_chain: certificate, private_key: key }]);
server.bindAsync("127.0.0.1:0", secret, (error, port) => {
  if (error) throw error;
  const Client = makeGenericClientConstructor(service, "Test");
  const client = new Client(`localhost:${port}`, credentials.createSsl(certificate));
  client.echo(Buffer.from("hello"), { deadline: Date.now() + 10_000 }, (error) => {
    console.log(error?.details.match(/received corrupt message of type \w+/)?.[0] ?? error?.details ?? "answered");
    Deno.exit();
  });
});
END
attempt() { printf '%s: ' "$1"; timeout 60 "$deno" run --quiet --allow-all "$tmp/call.mjs"; }
{
  unset GRPC_DEFAULT_SSL_ROOTS_FILE_PATH
  attempt "variable unset"
  export GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=$tmp/root.pem
  attempt "variable set, one root"
  export GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=$tmp/roots.pem
  attempt "variable set, 140 roots"
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
