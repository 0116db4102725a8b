/**
 * The story of the README: what `deno task demo` prints is what the README shows.
 *
 * The demo checks its own steps; here its whole transcript is compared, as the built programs make
 * it. `deno task golden` writes a new one into the README, to be reviewed.
 *
 * @module
 */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { builtPrograms } from "../support/built_programs.ts";
import { comparable, shownIn } from "../support/transcript.ts";

const root = new URL("../../", import.meta.url).pathname;

Deno.test("an operator plays the demo, and it goes as the README shows", async () => {
  await builtPrograms();
  const demo = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--cached-only", "--no-check", "-A"],
      ...["deploy/demo/main.ts", "demo", "--built"],
    ],
    cwd: root,
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(1_800_000),
  }).output();
  const printed = new TextDecoder().decode(demo.stdout);
  strictEqual(demo.code, 0, `${printed}\n${new TextDecoder().decode(demo.stderr)}`);
  const readme = await Deno.readTextFile(`${root}/README.md`);
  deepStrictEqual(comparable(printed), comparable(shownIn(readme)));
});
