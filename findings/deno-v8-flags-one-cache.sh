#!/usr/bin/env bash
# Tool:     Deno 2.9.6 (npm deno), the code cache in DENO_DIR
# Surprise: Two programs with different V8 flags that share a DENO_DIR replace each other's compiled code at
#           each start: what the other has left is refused and compiled anew, so neither ever starts warm.
# Guess:    The flags are part of the cache's key, or code of other flags is at least left alone.
# For MCP:  A node's agent (--jitless) and its command line want a DENO_DIR each, and so does whoever adds a
#           flag for one run; `DENO_V8_FLAGS` in a shared environment is the easy way to lose the cache.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> first run: the cache is filled
#> same flags again: the cache stays as it was
#> with --jitless: the cache is replaced
#> with --jitless again: the cache stays as it was
#> without flags again: the cache is replaced
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit deno@2.9.6 zod@4.6.7
deno=$(echo "$tmp"/node_modules/@deno/*/deno)
echo 'import { z } from "zod"; z.object({ a: z.string() }).parse({ a: "x" });' > "$tmp/program.mjs"
cat > "$tmp/digest.mjs" <<'END'
import { DatabaseSync } from "node:sqlite";
import { createHash } from "node:crypto";
const database = new DatabaseSync(`${Deno.args[0]}/v8_code_cache_v2`, { readOnly: true });
const hash = createHash("sha256");
const rows = database.prepare("SELECT data FROM codecache WHERE specifier LIKE '%/zod/%' ORDER BY specifier, type");
let count = 0;
for (const { data } of rows.iterate()) count = hash.update(data) && count + 1;
console.log(count === 0 ? "" : hash.digest("hex"));
END

before=""
attempt() { # words, flags
  local words=$1 after
  shift
  DENO_DIR=$tmp/cache timeout 60 "$deno" run --quiet --allow-all "$@" "$tmp/program.mjs"
  after=$(DENO_DIR=$tmp/other timeout 60 "$deno" run --quiet --allow-all "$tmp/digest.mjs" "$tmp/cache")
  if [ -z "$after" ]; then echo "$words: nothing is kept"
  elif [ -z "$before" ]; then echo "$words: the cache is filled"
  elif [ "$before" = "$after" ]; then echo "$words: the cache stays as it was"
  else echo "$words: the cache is replaced"; fi
  before=$after
}
{
  attempt "first run"
  attempt "same flags again"
  attempt "with --jitless" --v8-flags=--jitless
  attempt "with --jitless again" --v8-flags=--jitless
  attempt "without flags again"
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
