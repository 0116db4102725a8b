#!/usr/bin/env bash
# Tool:     restic 0.14.0-1+b5 (Debian 12)
# Surprise: `restic backup FOLDER MISSING` saves the one folder, skips the other with a line on standard error
#           and exits 0. Its documentation has an exit code (3) for "some source data could not be read": a
#           whole folder that is not there is not meant by it.
# Guess:    What was named and is not there is an error, at the latest in the exit code.
# For MCP:  A backup of several services' folders by one command must check first that all are there, or run
#           once for each: a service that moved to another node is a missing folder.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> both there: exit code 0, folders in the snapshot: shop wiki
#> one missing: exit code 0, folders in the snapshot: shop
#> all missing: exit code 1
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
(cd "$tmp" && timeout 300 apt-get download -qq restic=0.14.0-1+b5 2> apt ||
  { cat apt >&2; echo "Debian no longer has restic 0.14.0-1+b5." >&2; exit 1; })
dpkg -x "$tmp"/*.deb "$tmp/root"
export RESTIC_REPOSITORY=$tmp/repository RESTIC_CACHE_DIR=$tmp/cache RESTIC_PASSWORD=example
restic() { timeout 60 "$tmp/root/usr/bin/restic" "$@"; }
restic init > "$tmp/log"
mkdir "$tmp/shop" "$tmp/wiki"
echo content | tee "$tmp/shop/file" > "$tmp/wiki/file"

backup() { # words
  local code=0
  restic backup -q "$tmp/shop" "$tmp/wiki" 2> "$tmp/log" || code=$?
  printf '%s: exit code %s' "$1" "$code"
  if [ "$code" = 0 ]; then
    printf ', folders in the snapshot: %s' \
      "$(restic ls latest | sed -nE 's#.*/(shop|wiki)$#\1#p' | sort | tr '\n' ' ' | sed 's/ $//')"
  fi
  echo
}
{
  backup "both there"
  mv "$tmp/wiki" "$tmp/moved"
  backup "one missing"
  mv "$tmp/shop" "$tmp/moved"
  backup "all missing"
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
