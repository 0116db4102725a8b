/**
 * `deno task man` — writes the manual, one page per command, into a folder.
 *
 * Permissions: to read and write that folder, and nothing else.
 *
 * @module
 */

import { join } from "node:path";
import { realFiles } from "../../lib/system/files.ts";
import { manPages } from "./pages.ts";
import { renderManPage } from "./roff.ts";

const folder = Deno.args[0] ?? "dist/man";
for (const page of manPages()) {
  await realFiles.writeText(join(folder, `${page.name}.1`), renderManPage(page), { mode: 0o644 });
}
