#!/usr/bin/env bash
# Tool:     podman 4.3.1+ds1-8+deb12u1+b3 (Debian 12; installed), --network=container:NAME
# Surprise: Restart the container whose network another one shares, and the two are apart: the other goes on, "Up",
#           in the network that is gone, and nothing that podman shows tells of it. It does not matter that podman
#           knows the tie and refuses to remove the first one because of it.
# Guess:    A container that depends on another's network is restarted with it, or the restart is refused.
# For MCP:  A component always has a network of its own; `mcp service import` tells that this one is left out.
#           Where it runs beside MCP, whoever restarts the first has to restart the second after it.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> at first: both running, one network
#> the first restarted: both running, two networks
#> the second restarted too: both running, one network
#> removing the first alone: refused
set -euo pipefail
source "$(dirname "$0")/podman_place.bash"

network() { readlink "/proc/$(podman inspect --format '{{.State.Pid}}' "$1")/ns/net"; }
look() {
  local running
  running=$(podman ps --format '{{.Names}}' | sort | tr '\n' ' ')
  printf '%s: %s running, %s\n' "$1" "$([ "$running" = "first second " ] && echo both || echo "$running")" \
    "$([ "$(network first)" = "$(network second)" ] && echo "one network" || echo "two networks")"
}
{
  podman run --detach --name first --network none box sleep 1000 > "$tmp/id"
  podman run --detach --name second --network container:first box sleep 1000 > "$tmp/id"
  look "at first"
  podman restart --time 0 first > "$tmp/id"
  look "the first restarted"
  podman restart --time 0 second > "$tmp/id"
  look "the second restarted too"
  podman stop --time 0 first > "$tmp/id"
  echo "removing the first alone: $(podman rm first > "$tmp/id" 2>&1 && echo done || echo refused)"
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
