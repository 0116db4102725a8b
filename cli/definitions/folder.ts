/**
 * The services folder: one definition per file, named after its service.
 *
 * Only `*.toml` counts, and nothing that begins with a dot: editors leave their
 * own files beside the one that is edited.
 *
 * @module
 */

import { join } from "node:path";
import { isName } from "../../lib/domain/names.ts";
import { McpError } from "../../lib/errors.ts";
import type { Files } from "../../lib/system/files.ts";
import type { Config, Node } from "../settings/config.ts";
import { type Definition, parseDefinition } from "./definition.ts";
import type { FiledDefinition } from "./definitions.ts";
import { readEnvFiles } from "./env_files.ts";

/** What reading the folder needs. */
interface FolderDeps {
  readonly files: Pick<Files, "readText" | "list">;
  readonly config: Config;
}

const extension = ".toml";

/** Where the definition of a service is, or would be. */
export function definitionPath(config: Config, service: string): string {
  return join(config.servicesDir, `${service}${extension}`);
}

/** The definition of one service, if there is a file; see {@link Definitions.inFolder}. */
export async function inFolder(
  deps: FolderDeps,
  service: string,
): Promise<FiledDefinition | undefined> {
  const file = definitionPath(deps.config, service);
  const definition = await readDefinition(deps, file, {
    service,
    because: "as the file is called",
  });
  return definition === undefined ? undefined : filed(deps.config, file, definition);
}

/** Every definition of the folder; see {@link Definitions.all}. */
export async function allDefinitions(deps: FolderDeps): Promise<readonly FiledDefinition[]> {
  const { config } = deps;
  const read = await Promise.all((await baseNames(deps)).map(async (service) => {
    try {
      const definition = await inFolder(deps, service);
      return definition && await withEnvFiles(deps, definition);
    } catch (error) {
      // A mistake here must not hide those of the next file.
      if (error instanceof McpError && error.kind === "invalid") return error;
      throw error;
    }
  }));
  const refusals = read.filter((each) => each instanceof McpError);
  if (refusals.length === 0) return read.filter((each) => each !== undefined) as FiledDefinition[];
  const details = refusals.flatMap((refusal) => refusal.details);
  const mistakes = details.length === 1 ? "1 mistake" : `${details.length} mistakes`;
  const definitions = refusals.length === 1 ? "a definition" : `${refusals.length} definitions`;
  throw new McpError(
    "invalid",
    `Cannot use the definitions in ${config.servicesDir}: ${mistakes} in ${definitions}`,
    { details },
  );
}

/** The definition with the variables of its files. */
export async function withEnvFiles(
  { files }: FolderDeps,
  definition: FiledDefinition,
): Promise<FiledDefinition> {
  return { ...definition, spec: await readEnvFiles(files, definition) };
}

/** Names of the services that have a file, whatever it holds. */
export async function serviceNames(deps: FolderDeps): Promise<string[]> {
  return (await baseNames(deps)).filter(isName);
}

async function baseNames({ files, config }: FolderDeps): Promise<string[]> {
  return (await files.list(config.servicesDir))
    .filter((name) => name.endsWith(extension) && !name.startsWith("."))
    .map((name) => name.slice(0, -extension.length));
}

/** A definition from any file, or undefined when there is no such file. */
export async function readDefinition(
  { files, config }: FolderDeps,
  path: string,
  expected: { readonly service: string; readonly because: string },
): Promise<Definition | undefined> {
  const text = await files.readText(path);
  if (text === undefined) return undefined;
  return parseDefinition(text, path, {
    ...expected,
    nodeNames: config.nodes.map((node) => node.name),
  });
}

/** A definition with the node it names. */
export function filed(
  config: Config,
  file: string,
  { nodeName, spec, sources }: Definition,
): FiledDefinition {
  const node = config.nodes.find((candidate: Node) => candidate.name === nodeName);
  if (node === undefined) throw new Error(`parseDefinition() let the node "${nodeName}" through`);
  return { node, spec, file, sources };
}
