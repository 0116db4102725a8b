/**
 * Several units in one text, as `podman quadlet install` reads it from a file that ends in `.quadlets`
 * (podman 5.8 and later): each under its name without its ending, three dashes between them.
 *
 * @module
 */

import type { ExportedFile } from "../exported.ts";

/** The units one after the other. */
export function quadletsText(files: readonly ExportedFile[]): string {
  return files.map(({ name, text }) => `# FileName=${name.replace(/\.[a-z]+$/, "")}\n${text}`)
    .join("---\n");
}
