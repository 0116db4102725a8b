#!/usr/bin/env bash
# Tool:     GNU tar 1.34+dfsg-1.2+deb12u1 and zstd 1.5.4+dfsg2-5 (Debian 12)
# Surprise: `tar -cf FILE -I zstd` into a named pipe appends zeros to the COMPRESSED stream until it is a
#           multiple of 10240 bytes; zstd then fails on an archive that is complete. Into a file or to stdout
#           the same command writes no padding, so it passes every trial that does not use the pipe.
# Guess:    tar pads the archive, as it always did, and what comes out of the compressor is left alone.
# For MCP:  A service's data handed from a container to the agent through a pipe is made by
#           `tar -c . | zstd > PIPE`, never by tar's own -I.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> to a file: 0 bytes too many, zstd: good
#> to stdout: 0 bytes too many, zstd: good
#> to a named pipe: padded to 10240 bytes, zstd: bad
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
(cd "$tmp" && timeout 300 apt-get download -qq tar=1.34+dfsg-1.2+deb12u1 zstd=1.5.4+dfsg2-5 2> apt ||
  { cat apt >&2; echo "Debian no longer has these versions." >&2; exit 1; })
for package in "$tmp"/*.deb; do dpkg -x "$package" "$tmp/root"; done
PATH=$(dirname "$(find "$tmp/root" -type f -name zstd)"):$PATH
tar=$(find "$tmp/root" -type f -name tar -path '*bin*')
mkdir "$tmp/data"
echo content > "$tmp/data/file"

tell() { # words, file
  local size plain state=good
  size=$(stat -c %s "$2")
  plain=$(stat -c %s "$tmp/file.zst")
  zstd -q -t "$2" 2> "$tmp/zstd" || state=bad
  if [ "$size" = 10240 ]; then echo "$1: padded to 10240 bytes, zstd: $state"
  else echo "$1: $((size - plain)) bytes too many, zstd: $state"; fi
}
{
  timeout 20 "$tar" -cf "$tmp/file.zst" -I zstd -C "$tmp" data
  tell "to a file" "$tmp/file.zst"
  timeout 20 "$tar" -c -I zstd -C "$tmp" data > "$tmp/stdout.zst"
  tell "to stdout" "$tmp/stdout.zst"
  mkfifo "$tmp/pipe"
  timeout 20 cat "$tmp/pipe" > "$tmp/pipe.zst" &
  timeout 20 "$tar" -cf "$tmp/pipe" -I zstd -C "$tmp" data
  wait
  tell "to a named pipe" "$tmp/pipe.zst"
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What these tools do has changed." >&2; exit 1; }
