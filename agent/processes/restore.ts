/**
 * `mcp-agent restore` — puts a snapshot into the registry's place; the server must not be running.
 *
 * What it replaces is kept beside it. Containers are left as they are: the server compares them
 * with the registry when it starts again.
 *
 * Grants:
 *   read         the config, and the snapshot where it lies elsewhere
 *   read, write  the registry's folder
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { resolve } from "node:path";
import { realClock } from "../../lib/system/clock.ts";
import { realFiles } from "../../lib/system/files.ts";
import { loadConfig } from "../config.ts";
import { restoreRegistry } from "../registry/backup.ts";
import { configOption, jsonFlag, subcommand, textArgument } from "./process.ts";

/** Restores a snapshot. */
export const restore = subcommand({
  path: ["restore"],
  summary: "Put a snapshot into the registry's place, while the server is stopped",
  example: "mcp-agent restore /srv/mcp/backups/mcp-2030-01-01T12-00-00.000Z.db",
  grants: ["--allow-read", "--allow-write"],
  parser: object({
    config: configOption(),
    json: jsonFlag(),
    file: textArgument("FILE", "A snapshot, or what an earlier restore has kept"),
  }),

  async run({ config: configPath, json, file }, print) {
    const config = await loadConfig(realFiles, configPath);
    const path = resolve(file);
    const { schema, replaced } = await restoreRegistry(
      config.databaseFile,
      path,
      { now: realClock.now(), configFile: config.file },
    );
    if (json) return print(JSON.stringify({ restored: path, schema, replaced: replaced ?? null }));
    print(`Restored ${path} (schema ${schema}) as ${config.databaseFile}`);
    if (replaced !== undefined) print(`What was there is now ${replaced}`);
    print("Start the server again; it compares the registry with what runs.");
  },
});
