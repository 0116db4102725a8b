/**
 * `deno run -A tests/boot/retype.ts` — types the README's section "Put it on a server" on a machine,
 * and writes what is shown into it, to be reviewed as text.
 *
 * What doctor has to say against the machine itself is left out: it lacks what a server has. Needs
 * every permission: it builds, boots and types as root.
 *
 * @module
 */

import { ThrowAwayFolder } from "../support/throw_away_folder.ts";
import { ReadmeSection, recounted, showTyped, type Typed, typedIn } from "./console.ts";
import { build, lacking, Scene } from "./scene.ts";

if (import.meta.main) {
  await using builds = await ThrowAwayFolder.make();
  await using scene = await Scene.open(await build(builds.at("now")), tell);
  await scene.define("hello", { image: scene.images.v1, port: 18080, restart: "unless-stopped" });
  const file = new URL("../../README.md", import.meta.url);
  const readme = await Deno.readTextFile(file);
  const section = new ReadmeSection(scene, readme);
  const retyped: Typed[] = [];
  for (const typed of typedIn(readme)) {
    const output = await section.run(typed, / doctor\b/.test(typed.line) ? [0, 8] : [0]);
    retyped.push({ ...typed, output: recounted(output, lacking) });
  }
  await Deno.writeTextFile(file, showTyped(readme, retyped));
}

function tell(line: string): void {
  // deno-lint-ignore no-console -- an entry: what is said to people goes to stderr
  console.error(line);
}
