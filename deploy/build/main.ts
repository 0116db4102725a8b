/**
 * `deno task build [--out FOLDER]` — the two executables, by default in `dist`.
 *
 * Needs every permission: it runs Deno, git and what it has made.
 *
 * @module
 */

import { relative } from "node:path";
import { build } from "./build.ts";

if (import.meta.main) {
  try {
    const startedAt = performance.now();
    const built = await build({ out: outFolder(Deno.args), tell });
    for (const { path, kind, bytes, sha256 } of built) {
      tell(
        `${relative(Deno.cwd(), path)}  ${kind}, ${
          (bytes / 1_000_000).toFixed(1)
        } MB, sha256 ${sha256}`,
      );
    }
    tell(`Built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  } catch (error) {
    // deno-lint-ignore no-console -- an entry: failures are said on stderr
    console.error(`Error: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exitCode = 1;
  }
}

function outFolder(args: readonly string[]): string {
  const [flag, folder] = args;
  if (args.length === 0) return "dist";
  if (flag === "--out" && folder !== undefined && args.length === 2) return folder;
  throw new Error("Cannot build: the only argument is --out FOLDER");
}

function tell(line: string): void {
  // deno-lint-ignore no-console -- an entry: this is its output
  console.log(line);
}
