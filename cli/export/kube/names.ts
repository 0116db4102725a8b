/**
 * Names that Kubernetes takes, from names that podman takes.
 *
 * @module
 */

const labelName = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const subdomain = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** Whether the text can be a label's value. */
export function isLabel(text: string): boolean {
  return text === "" || labelName.test(text);
}

/** Whether the text can name a label or an annotation: "name" or "domain.example/name". */
export function isLabelKey(text: string): boolean {
  const [first = "", name, ...rest] = text.split("/");
  if (name === undefined) return labelName.test(first);
  return rest.length === 0 && first.length <= 253 && subdomain.test(first) && labelName.test(name);
}

/** Whether the text can name a Service, which others find by it. */
export function isServiceName(text: string): boolean {
  return /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text);
}

/**
 * Names of claims for podman's volumes: their own where Kubernetes takes them, each only once.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { claimNames } from "./names.ts";
 *
 * deepStrictEqual([...claimNames(["data", "Shop_DB", "shop-db"]).values()], [
 *   "data",
 *   "shop-db-2",
 *   "shop-db",
 * ]);
 * ```
 */
export function claimNames(volumes: readonly string[]): ReadonlyMap<string, string> {
  const kept = new Set(volumes.filter((name) => subdomain.test(name)));
  const taken = new Set(kept);
  return new Map(volumes.map((volume) => {
    if (kept.has(volume)) return [volume, volume];
    // A volume's name begins with a letter or a digit.
    const base = volume.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replace(/-$/, "");
    let name = base;
    for (let count = 2; taken.has(name); count++) name = `${base}-${count}`;
    taken.add(name);
    return [volume, name];
  }));
}
