#!/usr/bin/env bash
# Tool:     caddy 2.6.2-5 (Debian 12), admin API, "@id"
# Surprise: A second object with an @id that is taken is accepted (200). From then on the id means the newer one;
#           after DELETE /id/NAME it silently means the older one again, so a removal has to be repeated until
#           404, and a retried POST of a route leaves one behind that keeps serving.
# Guess:    An id is one: the second is refused, or takes the first one's place.
# For MCP:  A retry after a lost answer asks for the id first and then uses PATCH; a removal asks until 404.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> POST a route "shop": 200
#> POST a route "shop": 200
#> the id is now: second
#> DELETE /id/shop: 200
#> the id is now: first
#> DELETE /id/shop: 200
#> the id is now: unknown
set -euo pipefail
tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2> /dev/null || true; wait; rm -rf "$tmp"' EXIT
(cd "$tmp" && timeout 300 apt-get download -qq caddy=2.6.2-5 2> apt ||
  { cat apt >&2; echo "Debian no longer has caddy 2.6.2-5." >&2; exit 1; })
dpkg -x "$tmp"/*.deb "$tmp/root"
port=$((20000 + RANDOM % 20000))
admin=http://127.0.0.1:$port
cat > "$tmp/caddy.json" <<END
{ "admin": { "listen": "127.0.0.1:$port", "config": { "persist": false } },
  "apps": { "http": { "servers": { "site": { "listen": ["127.0.0.1:$((port + 1))"],
    "automatic_https": { "disable": true }, "routes": [] } } } } }
END
HOME=$tmp timeout 60 "$tmp/root/usr/bin/caddy" run --config "$tmp/caddy.json" > "$tmp/log" 2>&1 &
pids+=($!)
for _ in $(seq 50); do timeout 5 curl -s -o "$tmp/ready" "$admin/config/" && break; sleep 0.1; done

add() { # body
  timeout 10 curl -s -o "$tmp/answer" -w 'POST a route "shop": %{http_code}\n' \
    -H "Content-Type: application/json" "$admin/config/apps/http/servers/site/routes" \
    -d '{ "@id": "shop", "handle": [{ "handler": "static_response", "body": "'"$1"'" }] }'
}
remove() {
  timeout 10 curl -s -o "$tmp/answer" -w 'DELETE /id/shop: %{http_code}\n' -X DELETE "$admin/id/shop"
}
look() {
  echo "the id is now: $(timeout 10 curl -sf "$admin/id/shop/handle/0/body" | tr -d '"' || echo unknown)"
}
{
  add first
  add second
  look
  remove
  look
  remove
  look
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
