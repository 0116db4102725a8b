/**
 * Refuses what is about a service that this node was never told of.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import type { Registry } from "../../registry/registry.ts";
import { getService, type ServiceRecord } from "../../registry/services.ts";

/**
 * The service as the registry has it.
 *
 * @throws {McpError} `not_found`
 */
export function requireKnownService(registry: Registry, name: string): ServiceRecord {
  const service = getService(registry, name);
  if (service !== undefined) return service;
  throw noSuchService(
    name,
    "Run `mcp list` for those there are; `mcp sync` tells the node of those in your files",
  );
}

/** What is thrown where there is no such service. */
export function noSuchService(name: string, hint = "Run `mcp list` for those there are"): McpError {
  return new McpError("not_found", `There is no service "${name}" on this node`, { hint });
}
