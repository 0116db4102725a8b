#!/usr/bin/env bash
# Tool:     @grpc/grpc-js 1.14.7 on Deno 2.9.6 (both npm)
# Surprise: A client cannot dial an IP address with TLS: "The property 'options.servername' must not be an IP
#           address". It comes as UNAVAILABLE, "No connection established", so it reads as a fault of the network,
#           though the server is up and its certificate names the address.
# Guess:    It works, as under Node, or it throws at once when the client is made.
# For MCP:  lib/rpc/tls.ts sends a name of its own making and checks the certificate against the address
#           that was dialled; nodes are listed by address without a thought.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> localhost: answered
#> 127.0.0.1: UNAVAILABLE, options.servername must not be an IP address
#> 127.0.0.1 with another name to send: answered
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
unset GRPC_DEFAULT_SSL_ROOTS_FILE_PATH
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts \
  deno@2.9.6 @grpc/grpc-js@1.14.7
deno=$(echo "$tmp"/node_modules/@deno/*/deno)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout "$tmp/key.pem" \
  -out "$tmp/certificate.pem" -subj /CN=node -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" 2> "$tmp/openssl"

cat > "$tmp/call.mjs" <<'END'
import { credentials, makeGenericClientConstructor, Server, ServerCredentials, status } from "@grpc/grpc-js";
const file = (name) => Buffer.from(Deno.readFileSync(`${import.meta.dirname}/${name}`));
const [certificate, key] = [file("certificate.pem"), file("key.pem")];
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
const port = await new Promise((resolve, reject) =>
  server.bindAsync("127.0.0.1:0", secret, (error, port) => error ? reject(error) : resolve(port))
);
const Client = makeGenericClientConstructor(service, "Test");
async function attempt(words, host, options) {
  const client = new Client(`${host}:${port}`, credentials.createSsl(certificate), options);
  const error = await new Promise((resolve) =>
    client.echo(Buffer.from("hello"), { deadline: Date.now() + 5_000 }, resolve)
  );
  const cause = /servername' must not be an IP address/.test(error?.details)
    ? "options.servername must not be an IP address"
    : error?.details;
  console.log(`${words}: ${error ? `${status[error.code]}, ${cause}` : "answered"}`);
}
await attempt("localhost", "localhost", {});
await attempt("127.0.0.1", "127.0.0.1", {});
const name = { "grpc.ssl_target_name_override": "localhost" };
await attempt("127.0.0.1 with another name to send", "127.0.0.1", name);
Deno.exit();
END
timeout 60 "$deno" run --quiet --allow-all "$tmp/call.mjs" | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
