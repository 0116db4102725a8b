/** How the tests themselves are run: what hangs is named, and what is left behind is found. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { endLeftBehind, findLeftBehind, markName } from "../left_behind.ts";
import { StallWatch } from "../stall.ts";

function heard(watch: StallWatch, text: string): void {
  watch.heard(new TextEncoder().encode(text));
}

Deno.test("a process that outlives who started it is found by its mark, and ended", async () => {
  const mark = crypto.randomUUID();
  const shell = new Deno.Command("sh", {
    args: ["-c", "sleep 1000 & echo started"],
    env: { [markName]: mark },
    stdout: "piped",
  });
  // The output is not read to its end: what was left holds it open.
  const child = shell.spawn();
  await child.status;
  await child.stdout.cancel();
  const left = await findLeftBehind(mark, { withinMs: 0 });
  deepStrictEqual(left.map(({ argv }) => argv), [["sleep", "1000"]]);
  deepStrictEqual(await findLeftBehind(crypto.randomUUID()), []);
  endLeftBehind(left);
  deepStrictEqual(await findLeftBehind(mark), []);
});

Deno.test("a part that prints nothing any more has stalled, and its last test is known", async () => {
  using watch = new StallWatch(20);
  heard(watch, "one test ... ok (1ms)\nanother test ... ");
  strictEqual(watch.signal.aborted, false);
  await new Promise((resolve) => watch.signal.addEventListener("abort", resolve));
  strictEqual(watch.last, "another test ... ");
});

Deno.test("a part of which only Deno says that it takes long has stalled", async () => {
  using watch = new StallWatch(200);
  const noticing = setInterval(() => {
    heard(watch, "'another test' has been running for over (1m0s)\n");
  }, 10);
  await new Promise((resolve) => watch.signal.addEventListener("abort", resolve));
  clearInterval(noticing);
  match(watch.last, /another test/);
});

Deno.test("a part that goes on has not stalled, and what it printed last is a whole line", () => {
  using watch = new StallWatch(60_000);
  for (const text of ["a first ", "line\na sec", "ond line\n", "\n"]) heard(watch, text);
  strictEqual(watch.last, "a second line");
  ok(!watch.signal.aborted);
});
