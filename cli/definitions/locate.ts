/**
 * Which definition a command means, and which node a service lives on.
 *
 * The operator's file always wins over the agent's copy; the copy is only asked
 * for when there is no file.
 *
 * @module
 */

import { join } from "node:path";
import { McpError } from "../../lib/errors.ts";
import { specFromWire } from "../../lib/wire/specs.ts";
import type { Files } from "../../lib/system/files.ts";
import { answered, type FanOutDeps } from "../agents/fan_out.ts";
import { findService } from "../agents/find_service.ts";
import { type Config, type Node, requireNodes } from "../config.ts";
import { type Definition, parseDefinition } from "./definition.ts";
import type { Home, Located } from "./definitions.ts";

/** What locating needs. */
export interface LocateDeps extends FanOutDeps {
  readonly files: Files;
  readonly config: Config;
}

/** Longer than this no node is waited for just to learn whether it knows a service. */
const longestLookupMs = 10_000;

/** The definition that a deploy means; see {@link Definitions.locate}. */
export async function locate(
  deps: LocateDeps,
  service: string,
  { file, timeoutMs }: { readonly file: string | undefined; readonly timeoutMs: number },
): Promise<Located> {
  const path = file ?? definitionPath(deps.config, service);
  const definition = await readDefinition(deps, path, {
    service,
    because: file === undefined ? "as the file is called" : "the service named on the command line",
  });
  if (definition !== undefined) {
    return {
      node: nodeNamed(deps.config, definition.nodeName),
      spec: definition.spec,
      origin: { kind: "file", file: path },
    };
  }
  if (file !== undefined) throw new McpError("not_found", `There is no file ${file}`);
  return await agentsCopy(deps, service, Math.min(timeoutMs, longestLookupMs));
}

/** The node a service lives on; see {@link Definitions.homeOf}. */
export async function homeOf(
  deps: LocateDeps,
  service: string,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<Home> {
  const path = definitionPath(deps.config, service);
  const definition = await readDefinition(deps, path, {
    service,
    because: "as the file is called",
  });
  if (definition !== undefined) {
    return { node: nodeNamed(deps.config, definition.nodeName), file: path };
  }
  const known = await findService(
    deps,
    requireNodes(deps.config),
    service,
    (agent, call) => agent.getServiceSpec({ name: service }, call),
    { timeoutMs: Math.min(timeoutMs, longestLookupMs) },
  );
  return { node: onlyOne(service, answered(known)).node, file: undefined };
}

/** Where the definition of a service is, or would be. */
export function definitionPath(config: Config, service: string): string {
  return join(config.servicesDir, `${service}.toml`);
}

async function readDefinition(
  { files, config }: LocateDeps,
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

async function agentsCopy(
  deps: LocateDeps,
  service: string,
  timeoutMs: number,
): Promise<Located> {
  const path = definitionPath(deps.config, service);
  const copies = await findService(
    deps,
    requireNodes(deps.config),
    service,
    async (agent, call) => {
      const { deployed } = await agent.getServiceSpec({ name: service }, call);
      return deployed === undefined || deployed.components.length === 0 ? undefined : deployed;
    },
    {
      timeoutMs,
      refuse: (meant) =>
        new McpError(
          "not_found",
          `There is no definition of "${service}", and no node has a copy of one`,
          {
            hint: `Create ${path} or pass -f FILE`,
            details: meant === undefined ? [] : [`Did you mean "${meant}"?`],
          },
        ),
    },
  );
  const { node, value } = onlyOne(service, answered(copies));
  return { node, spec: specFromWire(value), origin: { kind: "agent" } };
}

function onlyOne<Value>(
  service: string,
  found: readonly { readonly node: Node; readonly value: Value }[],
): { readonly node: Node; readonly value: Value } {
  const [first, ...others] = found;
  if (first === undefined) throw new Error("findService() found nothing and did not say so");
  if (others.length === 0) return first;
  const names = found.map(({ node }) => `"${node.name}"`).join(" and ");
  throw new McpError("conflict", `The nodes ${names} both know the service "${service}"`, {
    hint: "Write a definition file that names the node",
  });
}

function nodeNamed(config: Config, name: string): Node {
  const node = config.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) throw new Error(`parseDefinition() let the node "${name}" through`);
  return node;
}
