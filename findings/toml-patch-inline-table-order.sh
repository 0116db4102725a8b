#!/usr/bin/env bash
# Tool:     @decimalturn/toml-patch 3.3.0 (npm), parse()
# Surprise: `[web.env]`-like tables of one array element are refused because an EARLIER element of the array has
#           `env = {}`: "Cannot extend inline table". With the two elements in the other order it is accepted.
# Guess:    In an array of tables each [[element]] starts anew (TOML 1.0); the order of elements that have
#           nothing to do with each other does not matter.
# For MCP:  A service definition with `env = {}` in one component and [components.env] in a later one cannot be
#           read; leave the empty table out, or write `env = { NAME = "value" }` in both.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> inline table first: Cannot extend inline table at components.env
#> inline table last: {"components":[{"env":{"MODE":"fast"}},{"env":{}}]}
#> inline tables only: {"components":[{"env":{}},{"env":{"MODE":"fast"}}]}
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts \
  deno@2.9.6 @decimalturn/toml-patch@3.3.0
deno=$(echo "$tmp"/node_modules/@deno/*/deno)

cat > "$tmp/parse.mjs" <<'END'
import { parse } from "@decimalturn/toml-patch";
const empty = "[[components]]\nenv = {}\n";
const table = '[[components]]\n[components.env]\nMODE = "fast"\n';
const inline = '[[components]]\nenv = { MODE = "fast" }\n';
const texts = {
  "inline table first": empty + table,
  "inline table last": table + empty,
  "inline tables only": empty + inline,
};
for (const [words, text] of Object.entries(texts)) {
  let answer;
  try {
    answer = JSON.stringify(parse(text));
  } catch (error) {
    answer = error.message.trim().split("\n").at(-1);
  }
  console.log(`${words}: ${answer}`);
}
END
timeout 60 "$deno" run --quiet --allow-all "$tmp/parse.mjs" | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
