#!/usr/bin/env bash
# Tool:     preact 11.2.0 with preact-render-to-string 6.8.2 (npm), the pair that npm installs together
# Surprise: style={{ width: 10 }} is "width:10px" in a page made on the server and "width:10", which browsers
#           ignore, when the same component is drawn in the browser. Version 11 stopped adding "px", its
#           renderer for servers (which names 11 as supported) did not: the width goes at the first redraw.
# Guess:    Both halves write the same markup; hydration depends on it.
# For MCP:  A status page writes its units: width: "10px".
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> on the server:   <div style="width:10px;margin-top:5px;"></div>
#> in the document: <div style="width:10;margin-top:5"></div>
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts \
  deno@2.9.6 preact@11.2.0 preact-render-to-string@6.8.2 linkedom@0.18.15
deno=$(echo "$tmp"/node_modules/@deno/*/deno)

cat > "$tmp/draw.mjs" <<'END'
import { parseHTML } from "linkedom";
import { h, render } from "preact";
import { renderToString } from "preact-render-to-string";
const bar = h("div", { style: { width: 10, marginTop: 5 } });
console.log(`on the server:   ${renderToString(bar)}`);
const { document } = parseHTML("<html><body></body></html>");
globalThis.document = document;
render(bar, document.body);
console.log(`in the document: ${document.body.innerHTML}`);
END
timeout 60 "$deno" run --quiet --allow-all "$tmp/draw.mjs" | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
