#!/usr/bin/env bash
# Tool:     yaml 2.9.1 (npm), parseDocument() and toString()
# Surprise: A document that nobody changed is printed with another number: an integer beyond 2^53 comes out
#           rounded. What is not a decimal integer is rewritten too (0x1F, 1e3), while 1.10 and comments stay.
# Guess:    A document keeps its source; only what a program sets is written anew. That is what documents,
#           as opposed to values, are for.
# For MCP:  Ids in a Compose file's `environment:` (chat rooms, accounts) are such numbers: `mcp service import`
#           tells each one that it changed (cli/import/compose). Files of operators are patched as text.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> in:  room: 12345678901234567890 # an id
#> out: room: 12345678901234567000 # an id
#> in:  mask: 0x1F
#> out: mask: 0x1f
#> in:  limit: 1e3
#> out: limit: 1e+3
#> in:  version: 1.10
#> out: version: 1.10
#> with intAsBigInt: room: 12345678901234567890 # an id
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts deno@2.9.6 yaml@2.9.1
deno=$(echo "$tmp"/node_modules/@deno/*/deno)

cat > "$tmp/print.mjs" <<'END'
import { parseDocument } from "yaml";
const room = "room: 12345678901234567890 # an id";
for (const text of [room, "mask: 0x1F", "limit: 1e3", "version: 1.10"]) {
  console.log(`in:  ${text}\nout: ${parseDocument(text).toString().trimEnd()}`);
}
console.log(`with intAsBigInt: ${parseDocument(room, { intAsBigInt: true }).toString().trimEnd()}`);
END
timeout 60 "$deno" run --quiet --allow-all "$tmp/print.mjs" | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
