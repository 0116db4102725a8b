/**
 * Files of other tools as a definition: which kind they are, and who reads them.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import { importCompose } from "./compose/compose.ts";
import { Findings } from "./findings.ts";
import { type Imported, imported } from "./imported.ts";
import { importQuadlets } from "./quadlet/quadlet.ts";
import type { Sources } from "./sources.ts";

/** What the operator asks for. */
interface ImportRequest {
  readonly files: readonly string[];
  /** Absolute: what the paths of files are relative to. */
  readonly folder: string;
  /** Name of the folder that the first file is in. */
  readonly folderName: string;
  readonly name: string | undefined;
  readonly envFiles: readonly string[];
  readonly profiles: readonly string[];
}

const unitEnding = /\.(container|volume|network|pod|kube|image|build)$/;

/**
 * Decides what the files mean. Pure: it knows of files what `sources` knows.
 *
 * @throws {McpError} `invalid` with everything that makes no sense, `not_found` for missing files.
 */
export function importService(sources: Sources, request: ImportRequest): Imported {
  const { files, name, folder } = request;
  const findings = new Findings();
  const [first = ""] = files;
  const units = files.filter((file) => unitEnding.test(file));
  if (units.length > 0) {
    if (units.length < files.length) {
      throw new McpError("invalid", "Cannot import a Compose file and quadlets at once");
    }
    if (request.envFiles.length > 0 || request.profiles.length > 0) {
      throw new McpError("invalid", "Cannot use --env-file or --profile with quadlets", {
        hint: "They are about Compose files",
      });
    }
    const { service, drafts } = importQuadlets(sources, findings, { files, name });
    return imported(service, drafts, findings, { files: first, folder });
  }
  if (files.length > 1) {
    throw new McpError("invalid", "Cannot import several Compose files at once", {
      hint: "Merge them with `docker compose -f A -f B config` and import what it prints",
    });
  }
  const { service, drafts } = importCompose(sources, findings, {
    file: first,
    folderName: request.folderName,
    name,
    envFiles: request.envFiles,
    profiles: request.profiles,
  });
  return imported(service, drafts, findings, { files: first, folder });
}
