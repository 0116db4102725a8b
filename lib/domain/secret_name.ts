/**
 * What the container runtime calls the versions of a secret.
 *
 * It cannot exchange a secret's value, so that each version has a name of its own. A dot parts what
 * is in it: no name of ours has one, so that two services never mean the same secret.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { isName } from "./names.ts";

/** One version of a secret of a service. */
interface NamedVersion {
  readonly service: string;
  readonly secret: string;
  readonly version: number;
}

/** Characters that podman 4.3 takes. */
const longestName = 64;
const hashDigits = 40;
const pattern = /^mcp\.(?:(?<service>[^.]+)\.(?<secret>[^.]+)|[0-9a-f]{40})\.(?<version>[1-9]\d*)$/;

/**
 * The name of a version. Long names are abridged: their hash stands for them.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { secretVersionName } from "./secret_name.ts";
 *
 * strictEqual(
 *   secretVersionName({ service: "shop", secret: "db-password", version: 3 }),
 *   "mcp.shop.db-password.3",
 * );
 * ```
 */
export function secretVersionName({ service, secret, version }: NamedVersion): string {
  const name = `mcp.${service}.${secret}.${version}`;
  if (name.length <= longestName) return name;
  const hash = createHash("sha256").update(`${service}.${secret}`).digest("hex");
  return `mcp.${hash.slice(0, hashDigits)}.${version}`;
}

/** Whether the runtime's secret of that name was made by MCP. */
export function isSecretVersionName(text: string): boolean {
  return pattern.test(text);
}

/** What the name of a version says; undefined when it is none, or abridged. */
export function parseSecretVersionName(text: string): NamedVersion | undefined {
  const { service, secret, version } = pattern.exec(text)?.groups ?? {};
  if (service === undefined || secret === undefined) return undefined;
  if (!isName(service) || !isName(secret)) return undefined;
  return { service, secret, version: Number(version) };
}
