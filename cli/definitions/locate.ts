/**
 * Which definition a command means, and which node a service lives on.
 *
 * The operator's file always wins over the agent's copy; the copy is only asked
 * for when there is no file.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import { specFromWire } from "../../lib/wire/specs.ts";
import type { Files } from "../../lib/system/files.ts";
import { answered, type FanOutDeps } from "../agents/fan_out.ts";
import { findService } from "../agents/find_service.ts";
import { type Config, type Node, requireNodes } from "../settings/config.ts";
import { requireNode } from "../settings/nodes.ts";
import type { AgentsCopy, Home, Located, LookUpOptions } from "./definitions.ts";
import { definitionPath, filed, inFolder, readDefinition, withEnvFiles } from "./folder.ts";

/** What locating needs. */
interface LocateDeps extends FanOutDeps {
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
    const { node, spec, sources } = await withEnvFiles(deps, filed(deps.config, path, definition));
    return { node, spec, sources, origin: { kind: "file", file: path } };
  }
  if (file !== undefined) throw new McpError("not_found", `There is no file ${file}`);
  return await agentsCopy(deps, service, Math.min(timeoutMs, longestLookupMs));
}

/** The node a service lives on; see {@link Definitions.homeOf}. */
export async function homeOf(
  deps: LocateDeps,
  service: string,
  { timeoutMs, node }: LookUpOptions,
): Promise<Home> {
  const nodes = requireNodes(deps.config);
  if (node !== undefined) return { node: requireNode(nodes, node), file: undefined };
  const definition = await inFolder(deps, service);
  if (definition !== undefined) return definition;
  const known = await findService(
    deps,
    nodes,
    service,
    (agent, call) => agent.getServiceSpec({ name: service }, call),
    { timeoutMs: Math.min(timeoutMs, longestLookupMs) },
  );
  return { node: onlyOne(service, answered(known)).node, file: undefined };
}

/** The agent's copy of a service; see {@link Definitions.copyOf}. */
export async function copyOf(
  deps: LocateDeps,
  service: string,
  { timeoutMs, node }: LookUpOptions,
): Promise<AgentsCopy> {
  const nodes = requireNodes(deps.config);
  const copies = await findService(
    deps,
    node === undefined ? nodes : [requireNode(nodes, node)],
    service,
    (agent, call) => agent.getServiceSpec({ name: service }, call),
    { timeoutMs: Math.min(timeoutMs, longestLookupMs) },
  );
  const found = answered(copies);
  const named = found.length > 1 ? await nodeOfDefinition(deps, service) : undefined;
  const copy = found.find((each) => each.node === named) ?? onlyOne(service, found);
  const spec = (wire: typeof copy.value.declared) =>
    wire === undefined || wire.components.length === 0 ? undefined : specFromWire(wire);
  return {
    node: copy.node,
    declared: spec(copy.value.declared),
    deployed: spec(copy.value.deployed),
  };
}

/** The node that the definition names, when it can be read. */
async function nodeOfDefinition(deps: LocateDeps, service: string): Promise<Node | undefined> {
  try {
    return (await inFolder(deps, service))?.node;
  } catch (error) {
    // Its mistakes are no reason to keep what the nodes have from the operator.
    if (error instanceof McpError && error.kind === "invalid") return undefined;
    throw error;
  }
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
    hint: "Write a definition file that names the node, or say which with --node",
  });
}
