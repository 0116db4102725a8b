/**
 * What this build calls itself.
 *
 * @module
 */

import { type BuildFacts, buildFacts } from "./build_facts.ts";

/** Version of both programs; they are released together. */
export const version = "0.1.0";

/**
 * What `--version` prints: name, version, and what exactly this is.
 *
 * @example From source
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { buildOf } from "./version.ts";
 *
 * strictEqual(buildOf("mcp", undefined), "mcp 0.1.0 (source)");
 * ```
 *
 * @param facts Those of this program unless others are given.
 */
export function buildOf(
  program: "mcp" | "mcp-agent",
  facts: BuildFacts | undefined = buildFacts,
): string {
  const made = facts === undefined ? "source" : `${facts.commit}, ${facts.kind}`;
  return `${program} ${version} (${made})`;
}
