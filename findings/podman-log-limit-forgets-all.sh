#!/usr/bin/env bash
# Tool:     podman 4.3.1+ds1-8+deb12u1+b3 with conmon 2.1.6 (Debian 12; installed), log driver k8s-file
# Surprise: At `max-size` the WHOLE log is thrown away and begun anew: a limit of 20 kB keeps anything from
#           nothing to 20 kB, and there is no older file. Whoever follows with `logs -f` misses lines in the
#           middle without a word, and both commands end with 0.
# Guess:    The limit is what is kept, as with other log drivers: an older file beside it, or the tail of it.
# For MCP:  deploy/node/containers/containers.conf sets 10 MB and says so: `mcp logs --since` may reach back
#           minutes only, and what a crash said can be gone. A larger limit makes it rarer, not different.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> written: 1000 lines; logs: less than half of them, the last among them
#> followed while it was written: lines are missing in the middle, exit code 0
set -euo pipefail
source "$(dirname "$0")/podman_place.bash"

count='i=0; while [ $i -lt 1000 ]; do echo "line $i"; i=$((i + 1)); PAUSE; done; echo end'
podman run --detach --name fast --network none --log-opt max-size=20kb box \
  sh -c "${count/PAUSE/true}" > "$tmp/id"
podman wait fast > "$tmp/wait"
podman logs fast > "$tmp/fast" 2>&1
podman run --detach --name slow --network none --log-opt max-size=4kb box \
  sh -c "sleep 1; ${count/PAUSE/usleep 2000}; sleep 1" > "$tmp/id"
code=0
podman logs -f slow > "$tmp/slow" 2>&1 || code=$?
{
  printf 'written: 1000 lines; logs: %s, %s\n' \
    "$([ "$(grep -c line "$tmp/fast")" -lt 500 ] && echo "less than half of them" || echo "most of them")" \
    "$(grep -q end "$tmp/fast" && echo "the last among them" || echo "the last is missing")"
  printf 'followed while it was written: %s, exit code %s\n' "$(
    if [ "$(grep -c line "$tmp/slow")" = 1000 ]; then echo "all lines"
    elif grep -q "line 0$" "$tmp/slow" && grep -q end "$tmp/slow"; then echo "lines are missing in the middle"
    else echo "it ends early"; fi
  )" "$code"
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
