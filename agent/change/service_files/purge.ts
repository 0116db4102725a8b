/**
 * What lies in /srv/<service>/, and removing all of it.
 *
 * @module
 */

import { lstat, realpath } from "node:fs/promises";
import { requireName } from "../../../lib/domain/names.ts";
import { McpError } from "../../../lib/errors.ts";
import { isWithin } from "./inside.ts";
import type { TransferOptions } from "./transfer.ts";

/** How much lies in a folder. */
interface FolderContent {
  readonly path: string;
  readonly files: number;
  /** Whether there are more than were counted, or some that could not be seen. */
  readonly isAtLeast: boolean;
}

/** So many are counted: it is said how much there is, not measured. */
const mostCounted = 10_000;

/**
 * Counts what lies in a service's folder; links are counted, and not followed.
 *
 * @returns undefined when there is no such folder.
 */
export async function contentOf(
  service: string,
  options: Pick<TransferOptions, "serviceRoot">,
): Promise<FolderContent | undefined> {
  const path = `${options.serviceRoot}/${requireName("service", service)}`;
  if (!await isFolder(path)) return undefined;
  let files = 0;
  let isAtLeast = false;
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for await (const { name, isDirectory } of Deno.readDir(folder)) {
        if (isDirectory) folders.push(`${folder}/${name}`);
        else files++;
        if (files >= mostCounted) return { path, files, isAtLeast: true };
      }
    } catch {
      // Of a container's user, and closed to the agent's; or gone meanwhile.
      isAtLeast = true;
    }
  }
  return { path, files, isAtLeast };
}

/**
 * Removes a service's folder and all that lies in it, and nothing that links in it lead to.
 *
 * @returns Whether there was one.
 * @throws {McpError} `invalid` when the folder is a link or holds the agent's own files, `conflict`
 *   when the agent's user may not remove all of it, `unavailable` when it cannot be removed; a part
 *   may be gone then.
 */
export async function purgeFolder(
  service: string,
  options: Pick<TransferOptions, "serviceRoot" | "ownFolders">,
): Promise<boolean> {
  const verb = `remove the data of "${requireName("service", service)}"`;
  const path = `${options.serviceRoot}/${service}`;
  await requirePurgeable(service, options);
  if (!await isFolder(path)) return false;
  try {
    // Walks by open folders, and removes links as what they are: nothing that is put in the place of
    // a folder meanwhile leads out of it.
    await Deno.remove(path, { recursive: true });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new McpError("conflict", `Cannot ${verb}: some of it belongs to users of containers`, {
        hint: `On the node, as the agent's user: \`podman unshare rm -rf ${path}\``,
        cause: error,
      });
    }
    throw new McpError("unavailable", `Cannot ${verb}`, { cause: error });
  }
}

/**
 * Refuses what must not be removed.
 *
 * @throws {McpError} `invalid`
 */
export async function requirePurgeable(
  service: string,
  { serviceRoot, ownFolders }: Pick<TransferOptions, "serviceRoot" | "ownFolders">,
): Promise<void> {
  const path = `${serviceRoot}/${service}`;
  const refuse = (why: string) =>
    new McpError("invalid", `Cannot remove the data of "${service}": ${why}`);
  let real: string;
  try {
    real = await realpath(serviceRoot);
    if ((await lstat(path)).isSymbolicLink()) throw refuse(`${path} is a symbolic link`);
  } catch (error) {
    if (error instanceof McpError) throw error;
    // There is none: nothing can be wrong with it.
    return;
  }
  if (ownFolders.some((own) => isWithin(own, path) || isWithin(own, `${real}/${service}`))) {
    throw refuse(`the agent keeps its own files in ${path}`);
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch {
    return false;
  }
}
