/**
 * `mcp-agent snapshot` — copies the registry into `backups/` beside it; the server may be running.
 *
 * Grants:
 *   read         the config
 *   read, write  the registry's folder
 *   (no net, no run, no env)  a backup must not be able to reach anything
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { realClock } from "../../lib/system/clock.ts";
import { realFiles } from "../../lib/system/files.ts";
import { loadConfig } from "../config.ts";
import { defaultKeep, snapshotRegistry } from "../registry/backup.ts";
import { configOption, jsonFlag, subcommand } from "./process.ts";

/** Makes a snapshot. */
export const snapshot = subcommand({
  path: ["snapshot"],
  summary: "Copy the registry into backups/ beside it, while the server runs",
  example: "mcp-agent snapshot --keep 30",
  grants: ["--allow-read", "--allow-write"],
  parser: object({
    config: configOption(),
    json: jsonFlag(),
    keep: withDefault(
      option("--keep", integer({ metavar: "COUNT", min: 1 }), {
        description: message`How many snapshots there are afterwards at most, by default ${
          String(defaultKeep)
        }`,
      }),
      defaultKeep,
    ),
  }),

  async run({ config: configPath, json, keep }, print) {
    const config = await loadConfig(realFiles, configPath);
    const made = await snapshotRegistry(config.databaseFile, {
      now: realClock.now(),
      keep,
      configFile: config.file,
    });
    if (json) return print(JSON.stringify(made));
    print(`Wrote ${made.path} (${made.bytes} bytes, schema ${made.schema})`);
    for (const path of made.removed) print(`Removed ${path}`);
  },
});
