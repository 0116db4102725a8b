/**
 * Refuses what the node's own config does not allow.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { type Privilege, privilegesOf } from "../../../lib/domain/privileges.ts";
import { McpError } from "../../../lib/errors.ts";

/** What the node allows. */
export interface Allowance {
  readonly allow: readonly Privilege[];
  /** The folder that holds one folder per service. */
  readonly serviceRoot: string;
}

/**
 * Refuses components that ask for more than the node allows.
 *
 * @param options.verb What is refused, e.g. "deploy".
 * @param options.had What a component is made from already, be it that it was adopted so or deployed
 *   when that was allowed: that much it may keep.
 * @throws {McpError} `invalid`, with every such part and the key that would allow it.
 */
export function requireAllowed(
  service: string,
  components: readonly ComponentSpec[],
  { allow, serviceRoot }: Allowance,
  options: {
    readonly verb: string;
    readonly had?: (component: string) => ComponentSpec | undefined;
  },
): void {
  const refused = components.flatMap((spec) => {
    const before = options.had?.(spec.name);
    const had = new Set(
      before === undefined ? [] : privilegesOf(before, serviceRoot).map(({ what }) => what),
    );
    return privilegesOf(spec, serviceRoot)
      .filter(({ privilege, what }) => !allow.includes(privilege) && !had.has(what))
      .map((use) => ({ component: spec.name, ...use }));
  });
  if (refused.length === 0) return;
  const keys = [...new Set(refused.map(({ privilege }) => `"${privilege}"`))].join(", ");
  throw new McpError(
    "invalid",
    `Cannot ${options.verb} "${service}": it asks for what this node does not allow`,
    {
      details: refused.map(({ component, what, privilege }) =>
        `${component}: ${what} needs "${privilege}"`
      ),
      hint: `Add ${keys} to allow in [agent] of the node's mcp-agent.toml, and restart the agent`,
    },
  );
}
