/**
 * What is imported in tests, and what came of it as text: the definition, and what is told of it.
 *
 * @module
 */

import { writeDefinition } from "../../cli/definitions/write_definition.ts";
import { importService } from "../../cli/import/import.ts";
import { countNotes, reportBlocks } from "../../cli/import/report.ts";
import { decideWith, Sources } from "../../cli/import/sources.ts";
import { renderBlocks } from "../../cli/output/screen.ts";

/** One import of files below `tests/fixtures/import/`. */
export interface ImportCase {
  readonly name: string;
  readonly files: readonly string[];
  readonly service?: string;
  readonly profiles?: readonly string[];
}

/** All of them; each has two reviewed texts in `tests/golden/import/`. */
export const importCases: readonly ImportCase[] = [
  { name: "nextcloud", files: ["compose.yaml"] },
  { name: "gitea", files: ["docker-compose.yml"] },
  { name: "immich", files: ["docker-compose.yml"] },
  { name: "traefik", files: ["compose.yaml"] },
  { name: "vaultwarden", files: ["compose.yaml"], profiles: ["backup"] },
  { name: "paperless", files: ["docker-compose.yml"] },
  { name: "monitoring", files: ["compose.yaml"] },
  {
    name: "wiki",
    files: ["wiki-app.container", "wiki-db.container", "wiki-db.volume", "wiki.network"],
    service: "wiki",
  },
];

const fixtures = new URL("../fixtures/import/", import.meta.url);

/** The folder of the reviewed texts. */
export const goldenImports: URL = new URL("../golden/import/", import.meta.url);

/** The definition and the report of one case, as an operator sees them. */
export async function importedTexts(
  { name, files, service, profiles = [] }: ImportCase,
): Promise<{ readonly definition: string; readonly report: string }> {
  const folder = new URL(`${name}/`, fixtures);
  const { spec, sources: elsewhere, notes } = await decideWith(
    new Sources(),
    async (path) => await textOf(new URL(path, folder)),
    (sources) =>
      importService(sources, {
        files,
        folder: `/home/ada/${name}`,
        folderName: name,
        name: service,
        envFiles: [],
        profiles,
      }),
  );
  const components = spec.components.map((component) => component.name);
  return {
    definition: writeDefinition({
      nodeName: "rift",
      spec,
      ...(elsewhere && { sources: elsewhere }),
    }),
    report: renderBlocks([[[countNotes(notes)]], ...reportBlocks(notes, components)], {
      colors: false,
    }),
  };
}

async function textOf(url: URL): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(url);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
