/**
 * Reading what completion may suggest from the workstation's files. Revisions alone are asked of
 * their node, no longer than a moment.
 *
 * A completion must never fail in the middle of the operator's line: files that
 * cannot be read, or have mistakes, suggest nothing, and `mcp` itself says why
 * when it is run.
 *
 * @module
 */

import { isName } from "../../lib/domain/names.ts";
import { McpError } from "../../lib/errors.ts";
import { parseToml } from "../../lib/toml/parse.ts";
import { type KnownWords, noWords } from "./completion.ts";
import { type Config, loadConfig, locateConfig } from "../settings/config.ts";
import { definitionPath, serviceNames } from "../definitions/folder.ts";
import type { System } from "../system.ts";

/**
 * The words that fit the command line so far.
 *
 * @param typed The words after `mcp`; the last one is being typed.
 */
export async function readKnownWords(
  system: System,
  typed: readonly string[],
): Promise<KnownWords> {
  const { env, files } = system;
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
      revisions: await revisionsFor(system, config, typed),
    };
  } catch (error) {
    if (error instanceof McpError) return noWords;
    throw error;
  }
}

/** Longer than this nobody waits for a word. */
const patienceMs = 1_000;
const suggestedRevisions = 50;

/** Numbers of the revisions of the service that is named before the word that is being typed. */
async function revisionsFor(
  system: System,
  config: Config,
  typed: readonly string[],
): Promise<string[]> {
  const [command = "", target, ...rest] = typed.filter((word) => !word.startsWith("-"));
  if (!["rollback", "diff"].includes(command) || target === undefined || rest.length === 0) {
    return [];
  }
  const [service = ""] = target.split("/");
  const nodeName = await nodeOf(system, config, service);
  const node = config.nodes.find(({ name }) => name === nodeName) ??
    (config.nodes.length === 1 ? config.nodes[0] : undefined);
  if (node === undefined || !isName(service)) return [];
  const { createContext } = await import("../context.ts");
  // Nothing may be written beside the line that the operator types.
  const silent = { ...system.terminal.stderr, isTerminal: false, write: () => {} };
  const terminal = { ...system.terminal, stderr: silent };
  const { agents } = await createContext({ ...system, terminal }, configFlag(typed));
  const { revisions } = await agents.ask(
    node,
    (agent, call) => agent.listRevisions({ service, limit: suggestedRevisions }, call),
    { timeoutMs: patienceMs },
  );
  return revisions.map(({ number }) => String(number));
}

/** The node that a definition names, also of one that has mistakes elsewhere. */
async function nodeOf(
  { files }: Pick<System, "files">,
  config: Config,
  service: string,
): Promise<unknown> {
  const path = definitionPath(config, service);
  const { value } = parseToml(await files.readText(path) ?? "", path);
  return (value as { readonly node?: unknown }).node;
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
