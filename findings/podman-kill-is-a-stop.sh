#!/usr/bin/env bash
# Tool:     podman 4.3.1+ds1-8+deb12u1+b3 (Debian 12; installed), --restart=always
# Surprise: `podman kill` of a container with restart=always leaves it exited: it counts as the user's wish.
#           The same signal sent to the same process by the system brings it back at once, with no pause between
#           restarts however often it dies, and with nothing in `podman ps` to show it.
# Guess:    "always" restarts what was killed; stop is the command for the user's wish.
# For MCP:  To try what a crash does, kill the process, not the container. The agent counts restarts itself
#           and tells a container that keeps dying (agent/watch/monitor).
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> podman kill: exited, 0 restarts
#> kill -9 of its process: running, 1 restarts
#> one that dies after 0.2 s, for 5 s: at least 5 restarts
set -euo pipefail
source "$(dirname "$0")/podman_place.bash"

look() { podman inspect --format '{{.State.Status}}, {{.RestartCount}} restarts' web; }
{
  podman run --detach --name web --restart always --network none box sleep 1000 > "$tmp/id"
  podman kill web > "$tmp/id"
  sleep 2
  echo "podman kill: $(look)"
  podman start web > "$tmp/id"
  process=$(podman inspect --format '{{.State.Pid}}' web)
  if [ "$process" -gt 1 ]; then kill -9 "$process"; fi
  sleep 2
  echo "kill -9 of its process: $(look)"
  podman run --detach --name dying --restart always --network none box sleep 0.2 > "$tmp/id"
  sleep 5
  count=$(podman inspect --format '{{.RestartCount}}' dying)
  echo "one that dies after 0.2 s, for 5 s: $([ "$count" -ge 5 ] && echo "at least 5" || echo "$count") restarts"
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
