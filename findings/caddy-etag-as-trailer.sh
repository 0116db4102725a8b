#!/usr/bin/env bash
# Tool:     caddy 2.6.2-5 (Debian 12), admin API, with fetch() of Deno 2.9.6 (npm)
# Surprise: The Etag that guards a change (If-Match) is sent behind the body, as an HTTP trailer. fetch() has no
#           way to show it, so a program that uses it cannot make a guarded change at all; curl -i prints it.
#           And it names another path than the one asked for: an object asked for by its @id has the Etag of
#           its place in the list, and the obvious If-Match of the asked path is an error 500, not 412.
# Guess:    An Etag is a header, and goes back with the path that it came from.
# For MCP:  Whoever changes an ingress from Deno needs node:http (it has trailers), or changes objects by
#           their @id without a guard and is the only one to do so.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> fetch(): header etag null, trailer announced: ETag
#> node:http: trailer etag "/config/apps/http/servers/site/routes/0 ..."
#> If-Match as it came: 200
#> If-Match with the path asked for: 500
#> If-Match as it came, too old: 412
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2> /dev/null || true; wait; rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts deno@2.9.6
deno=$(echo "$tmp"/node_modules/@deno/*/deno)
(cd "$tmp" && timeout 300 apt-get download -qq caddy=2.6.2-5 2> apt ||
  { cat apt >&2; echo "Debian no longer has caddy 2.6.2-5." >&2; exit 1; })
dpkg -x "$tmp"/*.deb "$tmp/root"
admin=$((20000 + RANDOM % 20000))
cat > "$tmp/caddy.json" <<END
{ "admin": { "listen": "127.0.0.1:$admin", "config": { "persist": false } },
  "apps": { "http": { "servers": { "site": { "listen": ["127.0.0.1:$((admin + 1))"], "routes": [
    { "@id": "shop", "handle": [{ "handler": "static_response", "body": "before" }] }
  ], "automatic_https": { "disable": true } } } } } }
END
HOME=$tmp timeout 60 "$tmp/root/usr/bin/caddy" run --config "$tmp/caddy.json" > "$tmp/log" 2>&1 &
pids+=($!)
for _ in $(seq 50); do
  timeout 5 curl -s -o "$tmp/ready" "http://127.0.0.1:$admin/config/" && break
  sleep 0.1
done

cat > "$tmp/change.mjs" <<'END'
import { get } from "node:http";
const shop = `http://127.0.0.1:${Deno.args[0]}/id/shop`;
const response = await fetch(shop);
await response.text();
const { headers } = response;
console.log(`fetch(): header etag ${headers.get("etag")}, trailer announced: ${headers.get("trailer")}`);
const etag = await new Promise((resolve, reject) =>
  get(shop, (answer) => answer.resume().on("end", () => resolve(answer.trailers.etag))).on("error", reject)
);
const [path, hash] = etag.replaceAll('"', "").split(" ");
console.log(`node:http: trailer etag "${path} ..."`);
async function change(words, guard) {
  const { status, body } = await fetch(`${shop}/handle/0/body`, {
    method: "PATCH",
    headers: { "content-type": "application/json", "if-match": guard },
    body: JSON.stringify(words),
  });
  await body?.cancel();
  console.log(`If-Match ${words}: ${status}`);
}
await change("as it came", etag);
await change("with the path asked for", `"/id/shop ${hash}"`);
await change("as it came, too old", etag);
END
timeout 60 "$deno" run --quiet --allow-all "$tmp/change.mjs" "$admin" | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What these tools do has changed." >&2; exit 1; }
