/**
 * Names of services, components, nodes and containers, and how they relate.
 *
 * The rule is narrow on purpose: a name that follows it can be a path segment,
 * an argument, a DNS label and a container name without any quoting, and can
 * never be taken for a flag.
 *
 * @module
 */

import { McpError } from "../errors.ts";

const namePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The rule for names, as it is told to the operator. */
export const nameRule = "1 to 63 of a-z, 0-9 and -, starting and ending with a letter or a digit";

/** Whether the text can name a service, a component or a node. */
export function isName(text: string): boolean {
  return namePattern.test(text);
}

/**
 * Returns the text when it is a name, and refuses it otherwise.
 *
 * @param what What the name is for, e.g. "service".
 * @throws {McpError} `invalid`
 */
export function requireName(what: string, text: string): string {
  if (!isName(text)) {
    throw new McpError("invalid", `Cannot use ${JSON.stringify(text)} as a ${what} name`, {
      hint: `A ${what} name is ${nameRule}`,
    });
  }
  return text;
}

/**
 * The container that runs a component.
 *
 * A component that has its service's own name is the service's only one by
 * convention, and its container is called like the service.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { containerName } from "./names.ts";
 *
 * strictEqual(containerName("metacrypt", "api"), "metacrypt-api");
 * strictEqual(containerName("mc-proxy", "mc-proxy"), "mc-proxy");
 * ```
 */
export function containerName(service: string, component: string): string {
  return component === service ? service : `${service}-${component}`;
}

/** What a deploy is aimed at: a service, or one component of it. */
export interface DeployTarget {
  readonly service: string;
  readonly component: string | undefined;
}

/**
 * Takes `service` or `service/component` apart.
 *
 * @throws {McpError} `invalid`
 */
export function parseTarget(text: string): DeployTarget {
  const [service = "", component, ...rest] = text.split("/");
  if (rest.length > 0) {
    throw new McpError("invalid", `Cannot read the target ${JSON.stringify(text)}`, {
      hint: "Write <service> or <service>/<component>",
    });
  }
  return {
    service: requireName("service", service),
    component: component === undefined ? undefined : requireName("component", component),
  };
}
