/**
 * What the claims of a JWT say about who brings it. Pure.
 *
 * @module
 */

/** Which claim says what. */
export interface ClaimRules {
  /** The claim with the roles: its name, or a path into nested claims like "realm_access.roles". */
  readonly roleClaim: string;
  /** The role there that makes an admin here. */
  readonly adminRole: string;
  /** The claim that names the caller, in the same form. */
  readonly subjectClaim: string;
}

/**
 * The subject and the roles, in MCP's words.
 *
 * Only the configured role makes an admin: a provider's own role of the name
 * "admin" may mean something else, and is dropped when it is not the one. One
 * text is one role, never several parted by spaces.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { holderOf } from "./claims.ts";
 *
 * const rules = { roleClaim: "realm_access.roles", adminRole: "mcp-admin", subjectClaim: "sub" };
 * deepStrictEqual(
 *   holderOf({ sub: "ada", realm_access: { roles: ["mcp-admin", "admin", "dev"] } }, rules),
 *   { subject: "ada", roles: ["admin", "dev"] },
 * );
 * ```
 *
 * @returns Undefined when nothing says who it is.
 */
export function holderOf(claims: Readonly<Record<string, unknown>>, rules: ClaimRules) {
  const subject = claimAt(claims, rules.subjectClaim);
  if (typeof subject !== "string" || subject.trim() === "") return undefined;
  const found = claimAt(claims, rules.roleClaim);
  const named = typeof found === "string" ? [found] : Array.isArray(found) ? found : [];
  const roles = named.filter((role) => typeof role === "string").flatMap((role) =>
    role === rules.adminRole ? ["admin"] : role === "admin" ? [] : [role]
  );
  return { subject, roles };
}

/**
 * A claim by its name or its path. The name whole comes first: a claim may be
 * called "https://example.com/roles".
 */
function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) {
      return undefined;
    }
    value = Reflect.get(value, name);
  }
  return value;
}
