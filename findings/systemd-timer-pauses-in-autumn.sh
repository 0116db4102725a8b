#!/usr/bin/env bash
# Tool:     systemd 252.39-1~deb12u2 (Debian 12), OnCalendar= with a time zone
# Surprise: A timer for every half hour in Berlin is silent for an hour and a half on the day when the clock
#           goes back: the hour that comes twice is run once. The same timer in UTC keeps its rhythm.
# Guess:    "*:0/30" has no hour in it, so it runs each half hour on any day.
# For MCP:  Timers of an agent (backup, renewal) say UTC or OnUnitActiveSec=; an alert for "nothing for an
#           hour" goes off once a year where the machine's own zone has such a day.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> Europe/Berlin: 00:00 00:30 02:00 02:30
#> UTC: 00:00 00:30 01:00 01:30
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
version=252.39-1~deb12u2
(cd "$tmp" && timeout 300 apt-get download -qq "systemd=$version" "libsystemd-shared=$version" 2> apt ||
  { cat apt >&2; echo "Debian no longer has systemd $version." >&2; exit 1; })
for package in "$tmp"/*.deb; do dpkg -x "$package" "$tmp/root"; done
LD_LIBRARY_PATH=$(dirname "$(find "$tmp/root" -name 'libsystemd-shared-*.so')")
export LD_LIBRARY_PATH TZ=UTC

for zone in Europe/Berlin UTC; do
  runs=$(timeout 60 "$tmp/root/usr/bin/systemd-analyze" calendar --iterations=4 \
    --base-time="2027-10-30 23:40:00 UTC" "*-*-* *:0/30:00 $zone" |
    sed -nE 's/.*2027-10-31 ([0-9:]{5}):00 UTC/\1/p' | tr '\n' ' ')
  echo "$zone: ${runs% }"
done | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
