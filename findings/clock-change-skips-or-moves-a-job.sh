#!/usr/bin/env bash
# Tool:     croner 11.0.1, cron-parser 5.10.6 (npm) and systemd 252.39-1~deb12u2 (Debian 12)
# Surprise: "02:30 in Berlin" on the day when the clock goes from 02:00 to 03:00 is three different things:
#           03:00 for croner, 03:30 for cron-parser, and for systemd the job is not run at all that day.
# Guess:    All agree, and none skips a nightly job (Debian's cron runs it right after the change).
# For MCP:  A node's snapshot timer is `daily`: where the clock changes at midnight (Cairo, Santiago) one day has
#           none. A job that has to run each day, or to move between systems, is described in UTC.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> 2027-03-27T01:30Z cron-parser, croner, systemd
#> 2027-03-28T01:00Z croner
#> 2027-03-28T01:30Z cron-parser
#> 2027-03-29T00:30Z cron-parser, croner, systemd
set -euo pipefail
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
timeout 300 npm install --prefix "$tmp" --silent --no-fund --no-audit --ignore-scripts \
  deno@2.9.6 croner@11.0.1 cron-parser@5.10.6
deno=$(echo "$tmp"/node_modules/@deno/*/deno)
version=252.39-1~deb12u2
(cd "$tmp" && timeout 300 apt-get download -qq "systemd=$version" "libsystemd-shared=$version" 2> apt ||
  { cat apt >&2; echo "Debian no longer has systemd $version." >&2; exit 1; })
for package in "$tmp"/*.deb; do dpkg -x "$package" "$tmp/root"; done

cat > "$tmp/next.mjs" <<'END'
import { Cron } from "croner";
import { CronExpressionParser } from "cron-parser";
const timezone = "Europe/Berlin";
const from = new Date("2027-03-27T00:00:00Z");
const end = new Date("2027-03-29T12:00:00Z");
for (const date of new Cron("30 2 * * *", { timezone }).nextRuns(3, from)) tell("croner", date);
const parsed = CronExpressionParser.parse("30 2 * * *", { tz: timezone, currentDate: from });
for (let run = 0; run < 3; run++) tell("cron-parser", parsed.next().toDate());
function tell(tool, date) {
  if (date < end) console.log(`${date.toISOString().slice(0, 16)}Z ${tool}`);
}
END
{
  timeout 60 "$deno" run --quiet --allow-all "$tmp/next.mjs"
  TZ=UTC LD_LIBRARY_PATH=$(dirname "$(find "$tmp/root" -name 'libsystemd-shared-*.so')") timeout 60 \
    "$tmp/root/usr/bin/systemd-analyze" calendar --iterations=3 --base-time="2027-03-27 00:00:00 UTC" \
    "*-*-* 02:30:00 Europe/Berlin" | sed -nE 's/.*(2027-03-[0-9]{2}) ([0-9:]{5}):00 UTC/\1T\2Z systemd/p'
} | LC_ALL=C sort | awk '$1 < "2027-03-29T12" { runs[$1] = runs[$1] (runs[$1] ? ", " : "") $2 }
    END { for (run in runs) print run, runs[run] }' | LC_ALL=C sort | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What these tools do has changed." >&2; exit 1; }
