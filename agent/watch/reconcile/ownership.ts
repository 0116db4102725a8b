/**
 * Whose container is this? By label, then by registry, in that order.
 *
 * @module
 */

import { containerName, isName } from "../../../lib/domain/names.ts";

/** Labels on every container that MCP makes. */
export const labels = {
  service: "mcp.service",
  component: "mcp.component",
  node: "mcp.node",
  revision: "mcp.revision",
} as const;

/** A component by its name on this node. */
export interface ComponentName {
  readonly service: string;
  readonly component: string;
}

/**
 * Names a container that was set aside while its successor proves itself.
 *
 * The suffix holds a character that no service or component name may hold, so
 * no component's container can ever be called this.
 */
export function previousName(container: string): string {
  return `${container}.previous`;
}

/** Names a container that proves itself beside the one that serves, which it is to replace. */
export function nextName(container: string): string {
  return `${container}.next`;
}

/**
 * The container that one of a rollout stands beside: one that was set aside, or is to come next;
 * undefined when the name is of neither.
 */
export function originalOf(container: string): string | undefined {
  const suffix = [".previous", ".next"].find((ending) => container.endsWith(ending));
  return suffix === undefined ? undefined : container.slice(0, -suffix.length);
}

/**
 * The component that a container's labels claim, or undefined.
 *
 * Labels are only text that anybody may put on a container: they count when
 * they name a component whose container has exactly this name.
 */
export function labelledComponent(
  container: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): ComponentName | undefined {
  const service = container.labels[labels.service] ?? "";
  const component = container.labels[labels.component] ?? "";
  if (!isName(service) || !isName(component)) return undefined;
  return containerName(service, component) === container.name ? { service, component } : undefined;
}
