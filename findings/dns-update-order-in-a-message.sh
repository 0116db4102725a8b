#!/usr/bin/env bash
# Tool:     BIND 9.18.49-1~deb12u3 (named, nsupdate, dig; Debian 12) and Knot DNS 3.2.6-1
# Surprise: One atomic update "add the CNAME, delete the A" is answered NOERROR by both servers and leaves the
#           name with NOTHING: the CNAME is passed over because the A is still there, then the A is deleted.
#           With the two lines swapped the name has its CNAME.
# Guess:    An update is a transaction: what counts is the state after it, or it is refused as a whole.
# For MCP:  A name that moves from an address to an alias deletes first, in the same message, and the server
#           is asked afterwards: NOERROR is no proof that anything is as it was said.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> bind, add CNAME then delete A: NOERROR, web is gone
#> bind, delete A then add CNAME: NOERROR, web is CNAME there.example.
#> knot, add CNAME then delete A: NOERROR, web is gone
#> knot, delete A then add CNAME: NOERROR, web is CNAME there.example.
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
    timeout 20 "$tmp/root/usr/bin/nsupdate" > "$tmp/update" 2>&1 && echo NOERROR || cat "$tmp/update"
}
attempt() { # words, port, first line, second line
  local answer found
  update "$2" "update delete web.example
update add web.example 300 A 192.0.2.2" > "$tmp/reset"
  answer=$(update "$2" "$3
$4")
  found=$(ask "$2" web.example | awk '{ print $4, $5 }')
  echo "$1: $answer, web is ${found:-gone}"
}
add="update add web.example 300 CNAME there.example." delete="update delete web.example A"
{
  attempt "bind, add CNAME then delete A" "$port" "$add" "$delete"
  attempt "bind, delete A then add CNAME" "$port" "$delete" "$add"
  attempt "knot, add CNAME then delete A" $((port + 1)) "$add" "$delete"
  attempt "knot, delete A then add CNAME" $((port + 1)) "$delete" "$add"
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What these tools do has changed." >&2; exit 1; }
