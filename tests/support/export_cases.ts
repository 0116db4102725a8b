/**
 * What is exported in tests, and what came of it as files: those that were written, and what is told.
 *
 * @module
 */

import { parseDefinition } from "../../cli/definitions/definition.ts";
import { readEnvFiles } from "../../cli/definitions/env_files.ts";
import { exportService } from "../../cli/export/export.ts";
import type { ExportedFile, ForeignFormat } from "../../cli/export/exported.ts";
import { countFates, fateBlocks } from "../../cli/output/fates.ts";
import { renderBlocks } from "../../cli/output/screen.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";

/** One definition that is exported in both formats. */
export interface ExportCase {
  readonly service: string;
  /** Below the repository. */
  readonly file: string;
}

/** All of them; each has reviewed files in `tests/golden/export/`. */
export const exportCases: readonly ExportCase[] = [
  { service: "hello", file: "deploy/examples/services/hello.toml" },
  { service: "shop", file: "deploy/examples/services/shop.toml" },
  { service: "nasty", file: "tests/fixtures/export/nasty.toml" },
];

/** The folder of the reviewed files. */
export const goldenExports: URL = new URL("../golden/export/", import.meta.url);

/** The spec of one case. What its files of variables would say is the same for all. */
export async function exportedSpec({ service, file }: ExportCase): Promise<ServiceSpec> {
  const text = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
  const expectations = { service, because: "it is exported", nodeNames: undefined };
  const definition = parseDefinition(text, file, expectations);
  return await readEnvFiles({ readText: () => Promise.resolve("LOG_LEVEL=info\n") }, definition);
}

/** The files of one case, and what an operator is told, by their names below the folder. */
export async function exportedFiles(
  each: ExportCase,
  format: ForeignFormat,
): Promise<readonly ExportedFile[]> {
  const spec = await exportedSpec(each);
  const { files, notes } = exportService(spec, format);
  const names = spec.components.map(({ name }) => name);
  const told = fateBlocks(notes.map((note) => ({ ...note, where: note.key })), names);
  const report = renderBlocks([[[countFates(notes)]], ...told], { colors: false });
  return [...files, { name: `${each.service}.${format}.txt`, text: report }];
}
