/**
 * Reading what completion may suggest from the workstation's files; no node is asked.
 *
 * A completion must never fail in the middle of the operator's line: files that
 * cannot be read, or have mistakes, suggest nothing, and `mcp` itself says why
 * when it is run.
 *
 * @module
 */

import { isName } from "../lib/domain/names.ts";
import { McpError } from "../lib/errors.ts";
import { parseToml } from "../lib/toml/parse.ts";
import { type KnownWords, noWords } from "./completion.ts";
import { type Config, loadConfig, locateConfig } from "./config.ts";
import { definitionPath, serviceNames } from "./definitions/folder.ts";
import type { System } from "./system.ts";

/**
 * The words that fit the command line so far.
 *
 * @param typed The words after `mcp`; the last one is being typed.
 */
export async function readKnownWords(
  { env, files }: Pick<System, "env" | "files">,
  typed: readonly string[],
): Promise<KnownWords> {
  try {
    const config = await loadConfig({ files, env }, locateConfig(env, configFlag(typed)));
    const services = await serviceNames({ files, config });
    const [service, ...rest] = (typed.at(-1) ?? "").split("/");
    const components = rest.length === 1 && service !== undefined && services.includes(service)
      ? await componentsOf({ files }, config, service)
      : [];
    return {
      services,
      targets: [...services, ...components.map((name) => `${service}/${name}`)],
      nodes: config.nodes.map(({ name }) => name),
    };
  } catch (error) {
    if (error instanceof McpError) return noWords;
    throw error;
  }
}

function configFlag(typed: readonly string[]): string | undefined {
  const at = typed.indexOf("--config");
  return at < 0
    ? typed.find((word) => word.startsWith("--config="))?.slice("--config=".length)
    : typed[at + 1];
}

/** Also of a definition that has mistakes elsewhere. */
async function componentsOf(
  { files }: Pick<System, "files">,
  config: Config,
  service: string,
): Promise<string[]> {
  const path = definitionPath(config, service);
  const { value } = parseToml(await files.readText(path) ?? "", path);
  const { components } = value as { readonly components?: unknown };
  if (!Array.isArray(components)) return [];
  return components.flatMap((component: unknown) => {
    const name = (component as { readonly name?: unknown } | null)?.name;
    return typeof name === "string" && isName(name) ? [name] : [];
  });
}
