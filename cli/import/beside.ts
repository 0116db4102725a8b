/**
 * Files that a file names.
 *
 * @module
 */

import { dirname, join } from "node:path";

/** The path of a file that another one names. */
export function beside({ file }: { readonly file: string }, path: string): string {
  return path.startsWith("/") ? path : join(dirname(file), path);
}
