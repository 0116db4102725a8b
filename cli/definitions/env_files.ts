/**
 * The variables of a definition's `env_file`s, read into its spec: the node knows nothing of files.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import { formatComplaint } from "../../lib/domain/complaint.ts";
import { complaintsAbout, type ServiceSpec } from "../../lib/domain/service_spec.ts";
import { McpError } from "../../lib/errors.ts";
import type { Files } from "../../lib/system/files.ts";
import type { Definition } from "./definition.ts";
import { parseDotenv } from "./dotenv.ts";
import type { Sources } from "./sources.ts";

/**
 * The spec with the variables of its files. What stands in `env` counts before all files, and a
 * later file before an earlier one.
 *
 * @throws {McpError} `invalid` with every mistake of every file.
 */
export async function readEnvFiles(
  files: Pick<Files, "readText">,
  { spec, sources }: Pick<Definition, "spec"> & { readonly sources?: Sources | undefined },
): Promise<ServiceSpec> {
  if (sources === undefined || sources.envFiles.length === 0) return spec;
  const mistakes: string[] = [];
  const read = new Map<string, Record<string, string>>();
  for (const { component, path, line } of sources.envFiles) {
    const file = resolve(dirname(sources.file), path);
    const text = await files.readText(file);
    if (text === undefined) {
      mistakes.push(`${sources.file}:${line}: env_file: there is no file ${file}`);
      continue;
    }
    const { values, mistakes: own } = parseDotenv(text, file);
    mistakes.push(...own);
    read.set(component, { ...read.get(component), ...values });
  }
  const whole: ServiceSpec = {
    ...spec,
    components: spec.components.map((component) => ({
      ...component,
      env: { ...read.get(component.name), ...component.env },
    })),
  };
  // The definition made sense without them.
  mistakes.push(
    ...complaintsAbout(whole).map((each) => `${sources.file}: ${formatComplaint(each)}`),
  );
  if (mistakes.length === 0) return whole;
  const count = mistakes.length === 1 ? "a mistake" : `${mistakes.length} mistakes`;
  throw new McpError(
    "invalid",
    `Cannot use the definition ${sources.file}: there is ${count} in its files of variables`,
    { details: mistakes },
  );
}
