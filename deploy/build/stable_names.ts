/**
 * Names for the files of a bundle that follow from what is in them alone.
 *
 * The bundler's own also follow from where the sources lie, so that the same tree in another folder
 * would make another executable.
 *
 * Pure.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** The part of a name that the bundler chooses, e.g. in `chunk-RHVDUHKT.js`. */
const chosen = /-[A-Z0-9]{8}(?=\.js\b)/g;

/**
 * Renames files, and what they call each other.
 *
 * @param code Text by file name.
 */
export function withStableNames(code: ReadonlyMap<string, string>): Map<string, string> {
  const stable = new Map<string, string>();
  for (const [name, text] of code) {
    const [part] = name.match(chosen) ?? [];
    if (part === undefined) continue;
    const hash = createHash("sha256").update(name.replace(chosen, ""))
      .update(text.replaceAll(chosen, "")).digest("hex");
    // As long as before: source maps count columns.
    stable.set(part, `-${hash.slice(0, part.length - 1)}`);
  }
  const renamed = (text: string) => text.replaceAll(chosen, (part) => stable.get(part) ?? part);
  const files = new Map([...code].map(([name, text]) => [renamed(name), renamed(text)]));
  if (files.size < code.size) throw new Error("Two files of the bundle are the same");
  return files;
}
