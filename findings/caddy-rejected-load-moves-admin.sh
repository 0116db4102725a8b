#!/usr/bin/env bash
# Tool:     caddy 2.6.2-5 (Debian 12), admin API, POST /load
# Surprise: A configuration that is REFUSED (400) still moves the admin API to its default address if it says
#           nothing of `admin`: the address that was configured is closed, the sites go on as before, and the
#           running configuration goes on naming the closed address.
# Guess:    400 means that nothing has changed; the documentation promises to roll back.
# For MCP:  Whoever loads whole configurations into an ingress says `admin` in each of them, or loses the way
#           to take the next one there; changes to single objects by @id do not have this.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> load of nonsense that says admin: 400
#> configured address: answers
#> load of nonsense that does not: 400
#> configured address: closed
#> site: before
#> default address says: {"listen":"(the configured address)"}
set -euo pipefail
tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2> /dev/null || true; wait; rm -rf "$tmp"' EXIT
default=127.0.0.1:2019
if timeout 5 curl -s -o "$tmp/other" "http://$default/config/"; then
  echo "Something answers at caddy's default address already: stop it first." >&2
  exit 1
fi
(cd "$tmp" && timeout 300 apt-get download -qq caddy=2.6.2-5 2> apt ||
  { cat apt >&2; echo "Debian no longer has caddy 2.6.2-5." >&2; exit 1; })
dpkg -x "$tmp"/*.deb "$tmp/root"
port=$((20000 + RANDOM % 20000))
admin=127.0.0.1:$port site=127.0.0.1:$((port + 1))
cat > "$tmp/caddy.json" <<END
{ "admin": { "listen": "$admin" },
  "apps": { "http": { "servers": { "site": { "listen": ["$site"], "automatic_https": { "disable": true },
    "routes": [{ "handle": [{ "handler": "static_response", "body": "before" }] }] } } } } }
END
HOME=$tmp timeout 60 "$tmp/root/usr/bin/caddy" run --config "$tmp/caddy.json" > "$tmp/log" 2>&1 &
pids+=($!)
for _ in $(seq 50); do timeout 5 curl -s -o "$tmp/ready" "http://$admin/config/" && break; sleep 0.1; done

nonsense='"apps": { "http": { "servers": { "site": { "routes": [{ "handle": [{ "handler": "nonsense" }] }] } } } }'
load() { # words, document
  timeout 10 curl -s -o "$tmp/answer" -w "$1: %{http_code}\n" -H "Content-Type: application/json" \
    -d "$2" "http://$admin/load"
}
look() {
  sleep 1
  if timeout 5 curl -s -o "$tmp/answer" "http://$admin/config/"; then echo "configured address: answers"
  else echo "configured address: closed"; fi
}
{
  load "load of nonsense that says admin" '{ "admin": { "listen": "'$admin'" }, '"$nonsense }"
  look
  load "load of nonsense that does not" "{ $nonsense }"
  look
  echo "site: $(timeout 5 curl -s "http://$site/")"
  echo "default address says: $(timeout 5 curl -s "http://$default/config/admin" |
    sed "s/$admin/(the configured address)/")"
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
