/**
 * All migrations, in the order they were released. Append; never edit.
 *
 * @module
 */

import { init } from "./001_init.ts";
import { watch } from "./002_watch.ts";
import { boot } from "./003_boot.ts";
import { options } from "./004_options.ts";
import { pushedFiles } from "./005_pushed_files.ts";
import { rollouts } from "./006_rollouts.ts";
import { secrets } from "./007_secrets.ts";
import { manyEvents } from "./008_many_events.ts";

/** SQL of schema version 1, 2, …; the registry's `user_version` says how many are applied. */
export const migrations: readonly string[] = [
  init,
  watch,
  boot,
  options,
  pushedFiles,
  rollouts,
  secrets,
  manyEvents,
];
