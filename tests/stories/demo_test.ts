/**
 * The story of the README: what `deno task demo` prints is what the README shows.
 *
 * The demo checks its own steps; here its whole transcript is compared, with what differs from run
 * to run (ports, tokens, certificates, times, ids) taken out on both sides.
 *
 * @module
 */

import { deepStrictEqual, strictEqual } from "node:assert/strict";

const root = new URL("../../", import.meta.url).pathname;

Deno.test("an operator plays the demo, and it goes as the README shows", async () => {
  const demo = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--cached-only", "--no-check", "-A", "deploy/demo/main.ts", "demo"],
    cwd: root,
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(180_000),
  }).output();
  const printed = new TextDecoder().decode(demo.stdout);
  strictEqual(demo.code, 0, `${printed}\n${new TextDecoder().decode(demo.stderr)}`);
  const readme = await Deno.readTextFile(`${root}/README.md`);
  const shown = /<!-- demo -->\n```console\n(?<text>[^]*?)```\n<!-- \/demo -->/.exec(readme);
  deepStrictEqual(comparable(printed), comparable(shown?.groups?.["text"] ?? ""));
});

/**
 * The transcript without what differs from run to run.
 *
 * Components move side by side: lines of one table may come in any order, so the lines between
 * two commands are sorted.
 */
function comparable(transcript: string): string[][] {
  const text = transcript
    .replaceAll(/--allow-(read|write)=\S+/g, "--allow-$1=FOLDERS")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replaceAll(/\/\S*\/(node|operator)\//g, "FOLDER/$1/")
    .replaceAll(/(--service-root|=)[ ]?\/\S*srv\b/g, "$1 /srv")
    .replaceAll(/"\/\S*srv\/hello/g, '"/srv/hello')
    .replaceAll(/mcp_([\w-]{43}|…)/g, "TOKEN")
    .replaceAll(/--ca-data \S+/g, "--ca-data CERTIFICATE")
    .replaceAll(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z| \+0000 UTC)/g, "TIME")
    .replaceAll(/\b[0-9a-f]{64}\b/g, "ID")
    .replaceAll(/\b(\d+(ms|[smhd]) ?)+(?=ago|\s|$)/gm, "AGE ")
    .replaceAll(/in \d+ s\./g, "in N s.")
    .replaceAll(/[ ]+/g, " ");
  return text.trim().split(/^(?=[$#] )/m)
    .map((part) =>
      part.split("\n").map((line) => line.trim()).filter((line) => line !== "").sort()
    );
}
