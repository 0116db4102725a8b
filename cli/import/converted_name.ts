/**
 * Names of other tools as names of ours.
 *
 * @module
 */

import { isName } from "../../lib/domain/names.ts";

/**
 * The name, or the nearest one that follows the rule.
 *
 * @param fallback What it is called when nothing of it can be kept.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { convertedName } from "./converted_name.ts";
 *
 * strictEqual(convertedName("my_app.Web", "component"), "my-app-web");
 * strictEqual(convertedName("___", "component"), "component");
 * ```
 */
export function convertedName(text: string, fallback: string): string {
  const name = text.slice(0, 1_000).toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/^-/, "").slice(0, 63).replace(/-$/, "");
  return isName(name) ? name : fallback;
}

/** Converts names one after the other, so that no two become the same. */
export class NameConverter {
  readonly #taken = new Set<string>();

  convert(text: string, fallback: string): string {
    const wanted = isName(text) ? text : convertedName(text, fallback);
    let name = wanted;
    for (let count = 2; this.#taken.has(name); count++) {
      const suffix = `-${count}`;
      name = `${wanted.slice(0, 63 - suffix.length).replace(/-$/, "")}${suffix}`;
    }
    this.#taken.add(name);
    return name;
  }
}
