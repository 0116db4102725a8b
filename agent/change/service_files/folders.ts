/**
 * Makes the folders below /srv/<service>/ that a component mounts.
 *
 * Containers own parts of that tree and may have planted symbolic links in it:
 * every folder on the way is looked at before anything is made below it, and one
 * whose real path lies outside the service's own folder is refused. A race is
 * left: it could make an empty folder elsewhere, as the agent's user, and no more.
 *
 * @module
 */

import { basename, dirname } from "node:path";
import { McpError } from "../../../lib/errors.ts";
import { isWithin } from "./inside.ts";

/**
 * Makes the folders that do not exist yet.
 *
 * A missing path whose last part has a dot is taken for a file that somebody
 * forgot to push: making a folder of that name would only hide the mistake.
 *
 * @param root The folder that holds one folder per service.
 * @throws {McpError} `invalid` when a path leaves the service's folder,
 *   `not_found` when a file is missing, `unavailable` when a folder cannot be made.
 */
export async function makeServiceFolders(
  root: string,
  service: string,
  paths: readonly string[],
): Promise<void> {
  const home = `${root}/${service}`;
  await makeFolder(home);
  const realHome = await realPath(home);
  if (realHome === undefined) {
    throw new McpError("invalid", `Cannot use the folder ${home}: it leads nowhere`);
  }
  for (const path of paths) {
    if (!isWithin(path, home)) {
      throw new McpError("invalid", `Cannot make the folder ${path}: it is not below ${home}`);
    }
    let folder = home;
    for (const part of path.slice(home.length + 1).split("/")) {
      if (part === "") continue;
      folder = `${folder}/${part}`;
      if (await exists(folder)) {
        const real = await realPath(folder);
        if (real === undefined || !isWithin(real, realHome)) {
          throw new McpError("invalid", `Cannot mount ${path}: ${folder} leads out of ${home}`);
        }
      } else if (folder === path && basename(path).includes(".")) {
        throw new McpError("not_found", `Cannot mount ${path}: there is no such file or folder`, {
          hint: `Put it there with \`mcp push\`, or make the folder by hand`,
        });
      } else {
        await makeFolder(folder);
      }
    }
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: 0o755 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw new McpError("unavailable", `Cannot make the folder ${path}`, {
      cause: error,
      hint: `Check who owns ${dirname(path)}: the agent's user must be able to write there`,
    });
  }
}

/** Where a path really lies; undefined for a link that leads nowhere, or round in a circle. */
async function realPath(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.FilesystemLoop) return undefined;
    throw new McpError("unavailable", `Cannot look at ${path}`, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw new McpError("unavailable", `Cannot look at ${path}`, { cause: error });
  }
}
