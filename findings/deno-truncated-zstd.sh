#!/usr/bin/env bash
# Tool:     Deno 2.9.6 (npm deno), node:zlib; beside it the same calls for gzip
# Surprise: zstdDecompressSync() and brotliDecompressSync() take data whose end is missing and answer
#           with what they could read, without an error; gunzipSync() refuses the same cut.
# Guess:    All three throw "unexpected end of file", as gunzipSync() does.
# For MCP:  A file, a backup or an archive that came over the network must be checked by its announced
#           length and hash before it is used; "it could be decompressed" proves nothing.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> zstd, last byte missing: no error, shorter than what was compressed
#> zstd, second half missing: no error, shorter than what was compressed
#> brotli, last byte missing: no error, shorter than what was compressed
#> brotli, second half missing: no error, shorter than what was compressed
#> gzip, last byte missing: unexpected end of file
#> gzip, second half missing: unexpected end of file
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit deno@2.9.6
deno=$(echo "$tmp"/node_modules/@deno/*/deno)

cat > "$tmp/truncated.mjs" <<'END'
import * as zlib from "node:zlib";
let text = "";
for (let line = 0; line < 200_000; line++) text += `line ${(line * 7919) % 100003}\n`;
const whole = Buffer.from(text);
const ways = {
  zstd: [zlib.zstdCompressSync, zlib.zstdDecompressSync],
  brotli: [zlib.brotliCompressSync, zlib.brotliDecompressSync],
  gzip: [zlib.gzipSync, zlib.gunzipSync],
};
for (const [name, [compress, decompress]] of Object.entries(ways)) {
  const packed = compress(whole);
  for (const [what, length] of [["last byte", packed.length - 1], ["second half", packed.length >> 1]]) {
    let answer;
    try {
      const read = decompress(packed.subarray(0, length));
      answer = `no error, ${read.length < whole.length ? "shorter than" : "as long as"} what was compressed`;
    } catch (error) {
      answer = error.message;
    }
    console.log(`${name}, ${what} missing: ${answer}`);
  }
}
END
timeout 60 "$deno" run --quiet --allow-all "$tmp/truncated.mjs" | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
