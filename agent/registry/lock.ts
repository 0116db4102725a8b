/**
 * One server per registry: a lock that lives as long as the process that holds it.
 *
 * The kernel drops it when the process ends, however it ends; the file stays and means nothing by
 * itself. What only reads, or writes in transactions of its own, does not need it.
 *
 * @module
 */

import { chownSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { McpError } from "../../lib/errors.ts";

/**
 * Takes the registry for this process.
 *
 * @param verb What is to be done, e.g. "serve".
 * @throws {McpError} `conflict` when another process has it.
 */
export function lockRegistry(databaseFile: string, verb: string): Disposable {
  const path = `${databaseFile}.lock`;
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
    giveToFolderOwner(path);
  } catch (error) {
    throw new McpError("unavailable", `Cannot open the registry's lock ${path}`, {
      cause: error,
      hint: `See whose it and its folder are (\`ls -la ${dirname(path)}\`)`,
    });
  }
  if (file.tryLockSync(true)) return file;
  file.close();
  throw new McpError(
    "conflict",
    `Cannot ${verb}: an mcp-agent is running on the registry ${databaseFile}`,
    {
      hint: "Stop it first: `systemctl stop mcp-agent`, or end the `mcp-agent server` you started",
    },
  );
}

/**
 * Gives a file or folder to the owner of the folder that it lies in, where that can be done: an
 * operator restores as root, and the agent is another user that could not open the result.
 */
export function giveToFolderOwner(path: string): void {
  const { uid, gid } = statSync(dirname(path));
  if (statSync(path).uid === uid) return;
  try {
    chownSync(path, uid, gid);
  } catch (error) {
    // Only root gives files away; of anybody else they stay what they are.
    if ((error as { readonly code?: unknown }).code !== "EPERM") throw error;
  }
}
