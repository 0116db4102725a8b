/**
 * All guards that are broken, room by room.
 *
 * @module
 */

import { change } from "./guards/change.ts";
import { commandLine } from "./guards/cli.ts";
import { door } from "./guards/door.ts";
import { files } from "./guards/files.ts";
import { node } from "./guards/node.ts";
import { registry } from "./guards/registry.ts";
import { runtime } from "./guards/runtime.ts";
import { watch } from "./guards/watch.ts";
import type { Mutant } from "./mutant.ts";

/** Every mutant there is, those first that matter most. */
export const mutants: readonly Mutant[] = [
  ...door,
  ...files,
  ...change,
  ...watch,
  ...registry,
  ...runtime,
  ...node,
  ...commandLine,
];
