#!/usr/bin/env bash
# Tool:     tar 7.5.23 (npm, "node-tar") on Deno 2.9.6, with permissions for two folders
# Surprise: Extracting leaves out every symbolic link, and the promise resolves as if all were there. Deno lets
#           a program with permissions for folders make no links, and tar takes that for a mere warning, which
#           it tells only to whoever passes `onwarn`.
# Guess:    extract() rejects when an entry of a valid archive cannot be written.
# For MCP:  Whatever unpacks a service's data in the agent's own process must pass `strict: true` and compare
#           what is there with a list; copying data between nodes is better done by GNU tar in a container.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> as it is: no error; file there, link missing
#> strict: rejected; file there, link missing
#> with --allow-all: no error; file there, link there
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts deno@2.9.6 tar@7.5.23
deno=$(echo "$tmp"/node_modules/@deno/*/deno)
mkdir "$tmp/data"
echo content > "$tmp/data/file"
ln -s file "$tmp/data/link"
tar --create --file "$tmp/data.tar" --directory "$tmp/data" .

cat > "$tmp/extract.mjs" <<'END'
import { extract } from "tar";
const [words, folder, strict] = Deno.args;
let answer = "no error";
try {
  await extract({ file: `${import.meta.dirname}/data.tar`, cwd: folder, strict: strict === "strict" });
} catch {
  answer = "rejected";
}
const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
const found = ["file", "link"].map((name) => `${name} ${names.includes(name) ? "there" : "missing"}`);
console.log(`${words}: ${answer}; ${found.join(", ")}`);
END
attempt() { # words, permissions, strict
  local folder
  folder=$(mktemp -d "$tmp/out.XXX")
  # shellcheck disable=SC2086
  timeout 60 "$deno" run --quiet $2 "$tmp/extract.mjs" "$1" "$folder" "${3-}"
}
{
  folders="--allow-read=$tmp --allow-write=$tmp --allow-env --allow-sys"
  attempt "as it is" "$folders"
  attempt "strict" "$folders" strict
  attempt "with --allow-all" --allow-all
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
