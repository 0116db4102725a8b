#!/usr/bin/env bash
# Tool:     Deno 2.9.6 (npm deno), node:sqlite
# Surprise: With --allow-read and --allow-write for everything a plain VACUUM of one's own database fails:
#           "too many attached databases - max 0". SQLite attaches a database of its own for it, and Deno
#           allows none unless --allow-all is given. backup() copies without complaint.
# Guess:    VACUUM names no other file, so the permission for the database's folder is enough.
# For MCP:  The registry is copied with backup() and never vacuumed (agent/registry/registry.ts); a file
#           that should shrink needs `auto_vacuum = INCREMENTAL` from its first day.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> VACUUM: too many attached databases - max 0
#> VACUUM INTO: too many attached databases - max 0
#> incremental_vacuum: done
#> backup(): done
#> with --allow-all: VACUUM: done
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit deno@2.9.6
deno=$(echo "$tmp"/node_modules/@deno/*/deno)

cat > "$tmp/vacuum.mjs" <<'END'
import { backup, DatabaseSync } from "node:sqlite";
const [folder, only] = Deno.args;
const database = new DatabaseSync(`${folder}/${only ? "all" : "scoped"}.db`);
database.exec("PRAGMA auto_vacuum = INCREMENTAL; CREATE TABLE lines (text); INSERT INTO lines VALUES ('x')");
const attempts = {
  "VACUUM": () => database.exec("VACUUM"),
  "VACUUM INTO": () => database.exec(`VACUUM INTO '${folder}/copy.db'`),
  "incremental_vacuum": () => database.exec("PRAGMA incremental_vacuum"),
  "backup()": () => backup(database, `${folder}/backup.db`),
};
for (const [name, attempt] of Object.entries(attempts)) {
  if (only && name !== only) continue;
  let answer = "done";
  try {
    await attempt();
  } catch (error) {
    answer = error.message;
  }
  console.log(`${only ? "with --allow-all: " : ""}${name}: ${answer}`);
}
END
{
  timeout 60 "$deno" run --quiet --allow-read --allow-write "$tmp/vacuum.mjs" "$tmp"
  timeout 60 "$deno" run --quiet --allow-all "$tmp/vacuum.mjs" "$tmp" VACUUM
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
