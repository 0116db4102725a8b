/**
 * The permission set of `mcp`, as flags of `deno run`; why each is needed: `main.ts`.
 *
 * @module
 */

import { environmentNames } from "./system.ts";

/** The flags, without those that grant nothing. */
export const grants: readonly string[] = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-run",
  `--allow-env=${environmentNames.join(",")}`,
];
