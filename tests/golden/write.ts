/**
 * `deno task golden` — writes anew what tests compare with, to be reviewed as text.
 *
 * Needs every permission: it plays the demo.
 *
 * @module
 */

import { foreignFormats } from "../../cli/export/exported.ts";
import { exportCases, exportedFiles, goldenExports } from "../support/export_cases.ts";
import { goldenImports, importCases, importedTexts } from "../support/import_cases.ts";
import { showIn } from "../support/transcript.ts";

const root = new URL("../../", import.meta.url).pathname;

if (import.meta.main) {
  await writeImports();
  await writeExports();
  const demo = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", "deploy/demo/main.ts", "demo"],
    cwd: root,
    env: { NO_COLOR: "1" },
    stderr: "inherit",
    signal: AbortSignal.timeout(180_000),
  }).output();
  if (!demo.success) throw new Error(`The demo ended with exit code ${demo.code}`);
  const readme = await Deno.readTextFile(`${root}/README.md`);
  const transcript = new TextDecoder().decode(demo.stdout);
  await Deno.writeTextFile(`${root}/README.md`, showIn(readme, transcript));
}

/** The definition and the report of every import. */
async function writeImports(): Promise<void> {
  for (const each of importCases) {
    const { definition, report } = await importedTexts(each);
    await Deno.writeTextFile(new URL(`${each.name}.toml`, goldenImports), definition);
    await Deno.writeTextFile(new URL(`${each.name}.txt`, goldenImports), report);
  }
}

/** The files and the report of every export, in both formats. */
async function writeExports(): Promise<void> {
  // What is no longer written must not be compared any more.
  await Deno.remove(goldenExports, { recursive: true });
  for (const each of exportCases) {
    for (const format of foreignFormats) {
      const folder = new URL(`${each.service}/`, goldenExports);
      await Deno.mkdir(folder, { recursive: true });
      for (const { name, text } of await exportedFiles(each, format)) {
        await Deno.writeTextFile(new URL(name, folder), text);
      }
    }
  }
}
