#!/usr/bin/env bash
# Tool:     caddy 2.6.2-5 (Debian 12), reverse_proxy with flush_interval -1, and its admin API
# Surprise: Changing ANOTHER route by the admin API ends every running answer of a proxied route that has
#           `flush_interval: -1`, and ends it cleanly: the client gets a well-formed last chunk, so half a
#           download looks whole. Without that setting the same answer goes on to its end.
# Guess:    A change is graceful: answers under way finish on the old configuration, or are visibly cut.
# For MCP:  An ingress in front of services makes few changes at a time, not one per container event, and what
#           streams through it (logs, events, transfers) says for itself when it is complete.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> flush_interval -1: curl says 0, answer incomplete
#> no flush_interval: curl says 0, answer complete
set -euo pipefail
tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2> /dev/null || true; wait; rm -rf "$tmp"' EXIT
(cd "$tmp" && timeout 300 apt-get download -qq caddy=2.6.2-5 2> apt ||
  { cat apt >&2; echo "Debian no longer has caddy 2.6.2-5." >&2; exit 1; })
dpkg -x "$tmp"/*.deb "$tmp/root"
admin=$((20000 + RANDOM % 20000)) site=$((admin + 1)) upstream=$((admin + 2))

cat > "$tmp/upstream.py" <<'END'
import http.server, sys, time
class Counting(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *line): pass
    def do_GET(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for word in [b"number\n"] * 30 + [b"the end\n"]:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(word), word))
                time.sleep(0.1)
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Counting).serve_forever()
END
timeout 60 python3 "$tmp/upstream.py" "$upstream" &
pids+=($!)
proxy='"handler": "reverse_proxy", "upstreams": [{ "dial": "127.0.0.1:'$upstream'" }]'
cat > "$tmp/caddy.json" <<END
{ "admin": { "listen": "127.0.0.1:$admin", "config": { "persist": false } },
  "apps": { "http": { "servers": { "site": { "listen": ["127.0.0.1:$site"], "routes": [
    { "match": [{ "host": ["flushed.test"] }], "handle": [{ $proxy, "flush_interval": -1 }] },
    { "match": [{ "host": ["buffered.test"] }], "handle": [{ $proxy }] },
    { "@id": "other", "match": [{ "host": ["other.test"] }],
      "handle": [{ "handler": "static_response", "body": "before" }] }
  ], "automatic_https": { "disable": true } } } } } }
END
HOME=$tmp timeout 60 "$tmp/root/usr/bin/caddy" run --config "$tmp/caddy.json" > "$tmp/log" 2>&1 &
pids+=($!)
for url in "http://127.0.0.1:$admin/config/" "http://127.0.0.1:$upstream/"; do
  for _ in $(seq 50); do timeout 5 curl -s -o "$tmp/ready" "$url" && break; sleep 0.1; done
done

get() { # host
  local code=0
  timeout 20 curl -sfN -H "Host: $1" -o "$tmp/$1" "http://127.0.0.1:$site/" || code=$?
  echo "$code" > "$tmp/$1.code"
}
get flushed.test & flushed=$!
get buffered.test & buffered=$!
sleep 1
timeout 10 curl -sf -X PATCH -H "Content-Type: application/json" -d '"after"' \
  "http://127.0.0.1:$admin/id/other/handle/0/body"
wait "$flushed" "$buffered"
tell() { # words, host
  local what=incomplete
  ! grep -q "the end" "$tmp/$2" || what=complete
  echo "$1: curl says $(cat "$tmp/$2.code"), answer $what"
}
{
  tell "flush_interval -1" flushed.test
  tell "no flush_interval" buffered.test
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
