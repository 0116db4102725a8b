/**
 * Keeps the agent's own folders out of containers: whoever mounts the registry, the keys or the
 * config is the agent.
 *
 * What podman itself could be asked to mount beside MCP is not for here; this is for specs.
 *
 * @module
 */

import { realpath } from "node:fs/promises";
import { parseVolume } from "../../../lib/domain/mappings.ts";
import type { ServiceSpec } from "../../../lib/domain/service_spec.ts";
import { McpError } from "../../../lib/errors.ts";
import { isWithin } from "./inside.ts";

/** Where the agent keeps what is its own, and where services keep theirs. */
interface NodeFolders {
  readonly serviceRoot: string;
  /** Folders of the agent itself: registry, keys, config. */
  readonly ownFolders: readonly string[];
}

/**
 * The agent's folder that a mounted path is, holds, or lies in; undefined when there is none.
 *
 * The services' folders may lie in one of the agent's, and are not meant then.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { ownFolderAt } from "./volumes.ts";
 *
 * const folders = { serviceRoot: "/srv", ownFolders: ["/srv/mcp"] };
 * strictEqual(ownFolderAt("/srv", folders), "/srv/mcp");
 * strictEqual(ownFolderAt("/srv/mcp/backups", folders), "/srv/mcp");
 * strictEqual(ownFolderAt("/srv/metacrypt", folders), undefined);
 * ```
 */
export function ownFolderAt(path: string, folders: NodeFolders): string | undefined {
  const { serviceRoot, ownFolders } = folders;
  return ownFolders.find((own) => {
    if (isWithin(own, path)) return true;
    const isServices = isWithin(serviceRoot, own) && isWithin(path, serviceRoot);
    return isWithin(path, own) && !isServices;
  });
}

/**
 * Refuses a spec that mounts a folder of the agent, by its name or through links.
 *
 * @throws {McpError} `invalid` with every such volume.
 */
export async function requireNoOwnVolumes(spec: ServiceSpec, folders: NodeFolders): Promise<void> {
  const real = { ...folders, serviceRoot: await realOf(folders.serviceRoot) };
  const details: string[] = [];
  for (const { name, volumes } of spec.components) {
    for (const volume of volumes) {
      const source = parseVolume(volume)?.source;
      if (source === undefined || !source.startsWith("/")) continue;
      const own = ownFolderAt(source, folders) ?? ownFolderAt(await realOf(source), real);
      if (own !== undefined) details.push(`${name} mounts ${source}: ${own} is the agent's own`);
    }
  }
  if (details.length === 0) return;
  throw new McpError("invalid", `Cannot deploy "${spec.name}": it mounts the agent's own folders`, {
    details,
    hint: `Mount folders below ${folders.serviceRoot}/${spec.name} instead`,
  });
}

/** Where a path leads, as far as the agent may know: outside of /srv it may not even look. */
async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    // Nothing there yet, or nothing that the agent may see: its name is all there is to judge.
    return path;
  }
}
