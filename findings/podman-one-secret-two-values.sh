#!/usr/bin/env bash
# Tool:     podman 4.3.1+ds1-8+deb12u1+b3 (Debian 12; installed), podman secret
# Surprise: A container that has one secret both as a variable and as a file, restarted after the secret was
#           made anew, has TWO values of it: the new one in the variable, the one it was created with in the
#           file. And when the secret is only removed, the running container cannot be restarted at all.
# Guess:    Both are taken when the container is created, or both when it starts.
# For MCP:  A secret's new value is a new secret with a name of its own and a new container (agent/change/secrets);
#           nothing is made anew under a name that is in use.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> created: variable first, file first
#> made anew, not restarted: variable first, file first
#> restarted: variable second, file first
#> removed and restarted: refused, and the container is exited
set -euo pipefail
source "$(dirname "$0")/podman_place.bash"

look() { # words
  printf '%s: variable %s, file %s\n' "$1" \
    "$(podman exec web cat /proc/1/environ | tr '\0' '\n' | sed -n 's/^VALUE=//p')" \
    "$(podman exec web cat /run/secrets/value)"
}
{
  printf first | podman secret create value - > "$tmp/id"
  podman run --detach --name web --network none --secret value,type=env,target=VALUE --secret value box \
    sleep 1000 > "$tmp/id"
  look created
  podman secret rm value > "$tmp/id"
  printf second | podman secret create value - > "$tmp/id"
  look "made anew, not restarted"
  podman restart --time 0 web > "$tmp/id"
  look restarted
  podman secret rm value > "$tmp/id"
  printf 'removed and restarted: %s, and the container is %s\n' \
    "$(podman restart --time 0 web > "$tmp/id" 2>&1 && echo done || echo refused)" \
    "$(podman inspect --format '{{.State.Status}}' web)"
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
