#!/usr/bin/env bash
# Tool:     @optique/core 1.3.6 (npm), withDefault() and multiple()
# Surprise: withDefault(multiple(argument()), ["all"]) never gives ["all"]: multiple() answers no words with an
#           empty list, which counts as given. With multiple(..., { min: 1 }) inside the default appears.
#           optional() around it is as idle: an empty list, never undefined.
# Guess:    A default stands in when nothing was written on the command line.
# For MCP:  What an empty list means is decided by the command that gets it (cli/commands/service/import.ts);
#           a default around it would type-check, show in the help, and do nothing.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> withDefault(multiple(...), ["all"]): []
#> withDefault(multiple(..., { min: 1 }), ["all"]): ["all"]
#> optional(multiple(...)): []
#> withDefault(argument(), "all"): "all"
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts \
  deno@2.9.6 @optique/core@1.3.6
deno=$(echo "$tmp"/node_modules/@deno/*/deno)

cat > "$tmp/parse.mjs" <<'END'
import { argument, multiple, object, optional, parse, string, withDefault } from "@optique/core";
const node = argument(string());
const parsers = {
  'withDefault(multiple(...), ["all"])': withDefault(multiple(node), ["all"]),
  'withDefault(multiple(..., { min: 1 }), ["all"])': withDefault(multiple(node, { min: 1 }), ["all"]),
  "optional(multiple(...))": optional(multiple(node)),
  'withDefault(argument(), "all")': withDefault(node, "all"),
};
for (const [words, nodes] of Object.entries(parsers)) {
  const result = parse(object({ nodes }), []);
  console.log(`${words}: ${result.success ? JSON.stringify(result.value.nodes) : "refused"}`);
}
END
timeout 60 "$deno" run --quiet --allow-all "$tmp/parse.mjs" | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
