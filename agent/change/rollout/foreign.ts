/**
 * Refuses to replace containers that are not the component's own.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { containerName } from "../../../lib/domain/names.ts";
import { McpError } from "../../../lib/errors.ts";
import { labelledComponent } from "../../watch/reconcile/ownership.ts";
import type { Registry } from "../../registry/registry.ts";
import { ownerOfContainer } from "../../registry/services.ts";
import type { ContainerStatus } from "../../runtime/runtime.ts";

/**
 * Refuses to replace a container that another service claims, or one that MCP was never told of.
 *
 * @throws {McpError} `conflict`.
 */
export function requireOwn(
  registry: Registry,
  service: string,
  components: readonly ComponentSpec[],
  listing: readonly ContainerStatus[],
): void {
  for (const { name } of components) {
    const container = containerName(service, name);
    const owner = ownerOfContainer(registry, container);
    const isForeign = owner !== undefined &&
      (owner.service !== service || owner.component !== name);
    if (isForeign && owner.desired !== "ignore") {
      throw new McpError(
        "conflict",
        `Cannot deploy "${service}/${name}": its container "${container}" belongs to ${owner.service}/${owner.component}`,
        { hint: "Rename one of the two components" },
      );
    }
    const existing = listing.find((candidate) => candidate.name === container);
    // A label outlives the registry: what MCP made stays ours after an older one was restored.
    const claim = existing && labelledComponent(existing);
    const isLabelled = claim?.service === service && claim.component === name;
    const isUnmanaged = owner === undefined || owner.desired === "ignore";
    if (existing !== undefined && isUnmanaged && !isLabelled) {
      throw new McpError(
        "conflict",
        `Cannot deploy "${service}/${name}": a container "${container}" exists that MCP did not create`,
        { hint: `Run \`mcp adopt ${service}\`, or remove the container with podman` },
      );
    }
  }
}
