#!/usr/bin/env bash
# Tool:     BIND 9.18.49-1~deb12u3 (named, nsupdate, dig; Debian 12) and Knot DNS 3.2.6-1
# Surprise: Adding an address that is there already, with another TTL, is NOERROR from both: BIND takes the new
#           TTL, Knot changes nothing. But a SECOND address with another TTL changes the TTL of the first one in
#           both. Delete and add of the same address in one message changes it in both.
# Guess:    The same standard, the same result: the TTL is what was said last, for the record it was said of.
# For MCP:  A TTL that is lowered before a move has to be read back; a record that must not change keeps its
#           name to itself.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> bind: at first 300; added again with 60: 60; another added with 30: 30 30; deleted and added with 90: 90
#> knot: at first 300; added again with 60: 300; another added with 30: 30 30; deleted and added with 90: 90
set -euo pipefail
tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2> /dev/null || true; wait; rm -rf "$tmp"' EXIT
bind=1:9.18.49-1~deb12u3 knot=3.2.6-1
(cd "$tmp" && timeout 300 apt-get download -qq "bind9=$bind" "bind9-libs=$bind" "bind9-dnsutils=$bind" \
  "knot=$knot" "libknot13=$knot" "libdnssec9=$knot" "libzscanner4=$knot" libjemalloc2 liblmdb0 libmaxminddb0 \
  libfstrm0 libprotobuf-c1 liburcu8 libxdp1 libbpf1 libuv1 libcap-ng0 libedit2 libbsd0 2> apt ||
  { cat apt >&2; echo "Debian no longer has these versions." >&2; exit 1; })
for package in "$tmp"/*.deb; do dpkg -x "$package" "$tmp/root"; done
export LD_LIBRARY_PATH=$tmp/root/usr/lib/x86_64-linux-gnu
port=$((20000 + RANDOM % 20000))

cat > "$tmp/zone" <<'END'
$TTL 300
@ IN SOA ns.example. admin.example. 1 3600 600 86400 60
@ IN NS ns.example.
ns IN A 192.0.2.1
web IN A 192.0.2.2
END
cp "$tmp/zone" "$tmp/example.zone"
mkdir "$tmp/knot"
cat > "$tmp/named.conf" <<END
options { directory "$tmp"; listen-on port $port { 127.0.0.1; }; listen-on-v6 { none; };
  pid-file "$tmp/pid"; session-keyfile "$tmp/key"; recursion no; dnssec-validation no; };
controls { };
zone "example" { type primary; file "zone"; allow-update { 127.0.0.1; }; };
END
cat > "$tmp/knot.conf" <<END
server:
    rundir: "$tmp"
    listen: 127.0.0.1@$((port + 1))
database:
    storage: "$tmp/knot"
acl:
  - id: update
    address: 127.0.0.1
    action: update
template:
  - id: default
    storage: "$tmp"
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: difference
    journal-content: all
zone:
  - domain: example
    acl: update
END
timeout 60 "$tmp/root/usr/sbin/named" -g -c "$tmp/named.conf" > "$tmp/named.log" 2>&1 &
pids+=($!)
timeout 60 "$tmp/root/usr/sbin/knotd" -c "$tmp/knot.conf" > "$tmp/knot.log" 2>&1 &
pids+=($!)
ask() { timeout 10 "$tmp/root/usr/bin/dig" +noall +answer +time=2 +tries=1 @127.0.0.1 -p "$1" "$2" ANY; }
for at in $port $((port + 1)); do
  for _ in $(seq 50); do ask "$at" ns.example > "$tmp/answer" 2>&1 && break; sleep 0.1; done
done

update() { # port, lines
  printf 'server 127.0.0.1 %s\nzone example\n%s\nsend\n' "$1" "$2" |
    timeout 20 "$tmp/root/usr/bin/nsupdate"
}
times() { ask "$1" web.example | awk '{ printf "%s%s", (NR > 1 ? " " : ""), $2 }'; }
try() { # name, port
  printf '%s: at first %s; ' "$1" "$(times "$2")"
  update "$2" "update add web.example 60 A 192.0.2.2"
  printf 'added again with 60: %s; ' "$(times "$2")"
  update "$2" "update add web.example 30 A 192.0.2.3"
  printf 'another added with 30: %s; ' "$(times "$2")"
  update "$2" "update delete web.example A
update add web.example 90 A 192.0.2.2"
  printf 'deleted and added with 90: %s\n' "$(times "$2")"
}
{ try bind "$port"; try knot $((port + 1)); } | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What these tools do has changed." >&2; exit 1; }
