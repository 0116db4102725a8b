#!/usr/bin/env bash
# Tool:     prom-client 15.1.3 (npm), Histogram
# Surprise: Buckets that are not listed in ascending order are taken without a word and counted wrong: one
#           observation of 1.5 s is told as one of at most 1 s. Scrapers take it; every quantile is off.
# Guess:    The buckets are sorted, or refused when the histogram is made: the text format demands an order.
# For MCP:  Bounds that are put together from several lists (steps, deadlines) are sorted where they are
#           declared; a metrics page is tested by observed values, not by its shape.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> buckets 1, 2, 5 and one observation of 1.5: le 1: 0, le 2: 1, le 5: 1, le +Inf: 1
#> buckets 5, 1, 2 and one observation of 1.5: le 5: 1, le 1: 1, le 2: 1, le +Inf: 1
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts \
  deno@2.9.6 prom-client@15.1.3
deno=$(echo "$tmp"/node_modules/@deno/*/deno)

cat > "$tmp/observe.mjs" <<'END'
import { Histogram, Registry } from "prom-client";
for (const buckets of [[1, 2, 5], [5, 1, 2]]) {
  const registry = new Registry();
  const name = "turn_seconds";
  new Histogram({ name, help: "A turn", buckets, registers: [registry] }).observe(1.5);
  const lines = (await registry.metrics()).matchAll(/_bucket\{le="(.+)"\} (\d+)/g);
  const counts = [...lines].map(([, bound, count]) => `le ${bound}: ${count}`).join(", ");
  console.log(`buckets ${buckets.join(", ")} and one observation of 1.5: ${counts}`);
}
END
timeout 60 "$deno" run --quiet --allow-all "$tmp/observe.mjs" | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
