/**
 * Reads `deploy/node/`: from the source, or from where a built program was unpacked.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { McpError } from "../../../lib/errors.ts";
import type { Files } from "../../../lib/system/files.ts";
import type { NodeFiles } from "./machine.ts";

/** @param runtime Where the program was unpacked; undefined when it runs from its source. */
export async function readNodeFiles(
  files: Files,
  runtime: string | undefined,
): Promise<NodeFiles> {
  const folder = runtime === undefined
    ? fileURLToPath(new URL("../../../deploy/node", import.meta.url))
    : `${runtime}/share/node`;
  const read = async (path: string) => {
    const text = await files.readText(`${folder}/${path}`);
    if (text !== undefined) return text;
    throw new McpError("internal", `Cannot read ${folder}/${path}: there is no such file`, {
      hint: "Copy the executable anew; it is not complete",
    });
  };
  const names = await files.list(`${folder}/systemd`);
  const units = await Promise.all(
    names.map(async (name): Promise<[string, string]> => [name, await read(`systemd/${name}`)]),
  );
  return {
    units: new Map(units),
    sysusers: await read("sysusers.d/mcp.conf"),
    tmpfiles: await read("tmpfiles.d/mcp.conf"),
    containersConf: await read("containers/containers.conf"),
    storageConf: await read("containers/storage.conf"),
  };
}
