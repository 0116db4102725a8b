#!/usr/bin/env bash
# Tool:     podman 4.3.1+ds1-8+deb12u1+b3 with netavark and aardvark-dns 1.4.0-3 (Debian 12; installed)
# Surprise: After `podman rename` of a running container its OLD name goes on being answered on its network and
#           the new one is unknown, as long as it runs.
# Guess:    The name that podman shows is the name that its DNS answers.
# For MCP:  A deploy renames what it replaces. On a network whose names are answered it therefore stops the old
#           container before the new one starts (agent/change/rollout/decide.ts).
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> at first: web the first container, old unknown
#> web renamed to old: web the first container, old unknown
set -euo pipefail
source "$(dirname "$0")/podman_place.bash"

podman network create net > "$tmp/id"
start() { podman run --detach --name "$1" --network net box sleep 1000 > "$tmp/id"; }
address() { podman inspect --format '{{.NetworkSettings.Networks.net.IPAddress}}' "$1"; }
gateway=$(podman network inspect --format '{{(index .Subnets 0).Gateway}}' net)
ask() { # name
  local found
  found=$(podman exec client nslookup -type=a "$1" "$gateway" 2> "$tmp/error" |
    sed -nE 's/^Address: ([0-9.]+)$/\1/p' | sort -u) || true
  case $found in
    "") echo unknown ;;
    "$first") echo "the first container" ;;
    *) echo "something else: $found" ;;
  esac
}
look() {
  sleep 2 # what is answered follows a change a moment later
  echo "$1: web $(ask web), old $(ask old)"
}
start client
start web
first=$(address web)
{
  look "at first"
  podman rename web old
  look "web renamed to old"
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
