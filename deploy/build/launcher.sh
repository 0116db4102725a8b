#!/bin/sh
# @PROGRAM@ @VERSION@: this header, and behind it a gzip'd tar with Deno and the program.
#
# Unpacks once, into a folder named after the content, then hands everything over to Deno. It is
# packaging, and the only shell of the project: it needs what a bare Debian has (dash, coreutils,
# findutils, gzip, tar), reads nothing from standard input and ends by becoming the program.
set -eu

# 126 is what shells give for a program that was found and could not be started.
fail() {
  printf 'Error: Cannot start @PROGRAM@: %s\nNext: %s\n' "$1" "$2" >&2
  exit 126
}

# Refuses folders in which another user could put a program in the place of ours.
require_own() {
  listed=$(stat -L -c '%u%A' -- "$@") || fail "cannot look at its files" "ls -ld $*"
  for folder in "$@"; do
    mode=${listed%%"$newline"*}
    listed=${listed#*"$newline"}
    case $mode in
      *d????[!w]??[!w]?) ;;
      *) fail "other users may write to $folder" "remove it, or: chmod go-w '$folder'" ;;
    esac
    if [ ! -O "$folder" ]; then
      case $mode in
        0d*) ;;
        *) fail "$folder belongs to another user" "remove it, or set XDG_CACHE_HOME to a folder of your own" ;;
      esac
    fi
  done
}

# Into a folder of its own, renamed when complete: whoever is killed, or comes second, does no harm.
unpack() {
  (umask 077 && mkdir -p -- "$cache") ||
    fail "cannot make the folder $cache" "make it writable, or set XDG_CACHE_HOME to a folder that is"
  require_own "$cache"
  # What others left that were killed. Nobody takes an hour to unpack.
  find "$cache/" -maxdepth 1 -name 'unpacking.*' -mmin +60 -exec rm -rf -- {} + || true
  temporary=$(mktemp -d -- "$cache/unpacking.XXXXXX") ||
    fail "cannot make a folder in $cache" "make it writable, or set XDG_CACHE_HOME to a folder that is"
  trap 'rm -rf -- "$temporary"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  tail -n +@PAYLOAD_LINE@ -- "$self" | (umask 022 && tar -x -z --no-same-owner -f - -C "$temporary") ||
    fail "cannot unpack $self into $cache, which takes @MEGABYTES@ MB" "df -h '$cache', then try again"
  # Another one may have been faster; its content is the same.
  mv -T -- "$temporary" "$runtime" 2>/dev/null || true
  [ -x "$runtime/deno" ] ||
    fail "cannot run what was unpacked into $runtime" \
      "mount | grep noexec, then set XDG_CACHE_HOME to a folder where programs may run"
  rm -rf -- "$temporary"
  trap - EXIT HUP INT TERM
}

newline='
'
self=$0
# A link may lead here from anywhere; what was installed lies beside the file itself.
[ ! -h "$self" ] || self=$(readlink -f -- "$self") || fail "cannot follow the link $0" "ls -l '$0'"
case $self in
  /*) ;;
  */*) self=$PWD/$self ;;
  *) self=$(command -v -- "$self") || fail "cannot find the file $0" "run it by its path" ;;
esac
cache=
case ${XDG_CACHE_HOME-} in
  /*) cache=$XDG_CACHE_HOME/mcp ;;
  *) case ${HOME-} in /*) cache=$HOME/.cache/mcp ;; esac ;;
esac

installed=${self%/*}/../lib/mcp/@HASH@
if [ -x "$installed/deno" ]; then
  runtime=$(cd -P -- "$installed" && pwd -P)
  if [ -n "${DENO_DIR-}" ]; then
    cache=
  else
    [ -d "$cache" ] || (umask 077 && mkdir -p -- "$cache") 2>/dev/null || cache=
  fi
  require_own "${runtime%/*}" "$runtime" ${cache:+"$cache"}
else
  [ -n "$cache" ] || fail "it has to be unpacked, and neither HOME nor XDG_CACHE_HOME says where to" \
    "XDG_CACHE_HOME=/var/cache/mcp '$self', or install it"
  runtime=$cache/@HASH@
  [ -x "$runtime/deno" ] || unpack
  require_own "$cache" "$runtime"
fi
# What Deno learns about the code is kept: without it a start takes three times as long, but works.
# A folder of its own in any case: Deno forgets all of it when a program is started that tells V8 otherwise.
compiled=${DENO_DIR:-$cache}
export DENO_DIR="${compiled:-/dev/null/none}${compiled:+/@HASH@.compiled}"
export DENO_NO_UPDATE_CHECK=1
export MCP_EXECUTABLE="$self"
export MCP_RUNTIME="$runtime"
main=$runtime/main.js

# What neither grants nor refuses anything. Nothing around the program has a say: no config of any
# folder, and no code that is not in here.
neutral='run --quiet --no-config --no-lock --no-remote --no-npm --no-check --cached-only'

@ARGUMENTS@
# shellcheck disable=SC2086
exec "$runtime/deno" $neutral "$@"
