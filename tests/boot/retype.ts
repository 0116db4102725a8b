/**
 * `deno run -A tests/boot/retype.ts` — types the README's section "Put it on a server" on a machine,
 * and writes what is shown into it, to be reviewed as text.
 *
 * What doctor shows is kept as it stands: a machine lacks what a server has. Needs every permission:
 * it builds, boots and types as root.
 *
 * @module
 */

import { ThrowAwayFolder } from "../support/throw_away_folder.ts";
import { ReadmeSection, showTyped, type Typed, typedIn } from "./console.ts";
import { build, Scene } from "./scene.ts";

if (import.meta.main) {
  await using builds = await ThrowAwayFolder.make();
  await using scene = await Scene.open(await build(builds.at("now")), tell);
  await scene.define("hello", { image: scene.images.v1, port: 18080, restart: "unless-stopped" });
  const file = new URL("../../README.md", import.meta.url);
  const readme = await Deno.readTextFile(file);
  const section = new ReadmeSection(scene, readme);
  const retyped: Typed[] = [];
  for (const typed of typedIn(readme)) {
    const isDoctor = / doctor\b/.test(typed.line);
    const output = await section.run(typed, isDoctor ? [0, 8] : [0]);
    retyped.push({ ...typed, output: isDoctor && typed.output !== "" ? typed.output : output });
  }
  await Deno.writeTextFile(file, showTyped(readme, retyped));
}

function tell(line: string): void {
  // deno-lint-ignore no-console -- an entry: what is said to people goes to stderr
  console.error(line);
}
