#!/usr/bin/env bash
# Tool:     @decimalturn/toml-patch 3.3.0 (npm), patch()
# Surprise: patch() adds a second [[nodes]] to a file, a table, an array or a value, but not the first
#           [[nodes]]: "Node not found at nodes".
# Guess:    Whatever the new value holds and the text does not is appended; a file that has no list yet is
#           the commonest one to add to.
# For MCP:  `mcp node add` on a fresh mcp.toml: lib/toml/edit.ts appends the first table itself.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> a first table: "name = \"x\"\n\n[limits]\ndays = 1\n"
#> a first array: "name = \"x\"\nports = [ 1 ]\n"
#> a first array of tables: Node not found at nodes
#> a second of them: "[[nodes]]\nname = \"a\"\n\n[[nodes]]\nname = \"b\"\n"
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts \
  deno@2.9.6 @decimalturn/toml-patch@3.3.0
deno=$(echo "$tmp"/node_modules/@deno/*/deno)

cat > "$tmp/patch.mjs" <<'END'
import { patch } from "@decimalturn/toml-patch";
const short = 'name = "x"\n';
const attempts = {
  "a first table": [short, { name: "x", limits: { days: 1 } }],
  "a first array": [short, { name: "x", ports: [1] }],
  "a first array of tables": [short, { name: "x", nodes: [{ name: "a" }] }],
  "a second of them": ['[[nodes]]\nname = "a"\n', { nodes: [{ name: "a" }, { name: "b" }] }],
};
for (const [words, [text, value]] of Object.entries(attempts)) {
  let answer;
  try {
    answer = JSON.stringify(patch(text, value));
  } catch (error) {
    answer = error.message;
  }
  console.log(`${words}: ${answer}`);
}
END
timeout 60 "$deno" run --quiet --allow-all "$tmp/patch.mjs" | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
