/**
 * `deno compile`, where its runtime (`denort`) can be had without asking anybody for it.
 *
 * What comes out is believed only when it answers as our program: with a wrong runtime the command
 * succeeds all the same, and what it made is that runtime and nothing of ours.
 *
 * @module
 */

import { join } from "node:path";
import { runCommand } from "../sandbox/command.ts";
import type { ArchivedFile } from "./tar.ts";

/** What is compiled. */
interface CompileRequest {
  /** A bundle, with what is shipped beside it. */
  readonly files: readonly ArchivedFile[];
  readonly grants: readonly string[];
  /** What `--version` must print. */
  readonly version: string;
  readonly denort: Denort;
  /** Gets the executable. */
  readonly output: string;
}

/** The runtime. */
export interface Denort {
  /** A file that somebody has named; absent where Deno finds what it has fetched by itself. */
  readonly file?: string;
}

/**
 * Finds the runtime: DENORT_BIN, else what Deno has fetched earlier.
 *
 * @param env Asked for DENORT_BIN.
 */
export async function findDenort(
  denoDir: string,
  env: (name: string) => string | undefined,
): Promise<Denort | { readonly absent: string }> {
  const given = env("DENORT_BIN");
  if (given !== undefined) {
    return await exists(given)
      ? { file: given }
      : { absent: `there is no ${given}, which DENORT_BIN names` };
  }
  const target = Deno.build.target;
  const fetched = join(denoDir, `dl/release/v${Deno.version.deno}/denort-${target}.zip`);
  if (await exists(fetched)) return {};
  return { absent: `no denort: DENORT_BIN is not set, and there is no ${fetched}` };
}

/** Compiles. Gives why not when nothing came of it; there is no file then. */
export async function compile(request: CompileRequest): Promise<string | undefined> {
  const { files, grants, version, denort, output } = request;
  const folder = await Deno.makeTempDir({ prefix: "mcp-compile-" });
  try {
    for (const { path, content } of files) {
      const file = join(folder, path);
      await Deno.mkdir(join(file, ".."), { recursive: true });
      await Deno.writeFile(file, content);
    }
    const made = await runCommand([
      ...[Deno.execPath(), "compile", "--quiet", "--no-config", "--no-lock", "--no-check"],
      ...["--cached-only", "--no-prompt", "--ignore-env", ...grants],
      ...files.filter(({ path }) => path !== "main.js").map(({ path }) => `--include=${path}`),
      ...[`--output=${output}`, "main.js"],
    ], {
      timeoutMs: 600_000,
      cwd: folder,
      ...(denort.file === undefined ? {} : { env: { DENORT_BIN: denort.file } }),
    });
    const complaint = made.success
      ? await whyNotOurs(output, version)
      : `deno compile failed: ${made.complaint}`;
    if (complaint !== undefined) await Deno.remove(output).catch(exceptAbsence);
    return complaint;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function whyNotOurs(executable: string, version: string): Promise<string | undefined> {
  const said = await runCommand([executable, "--version"], { timeoutMs: 120_000 });
  if (!said.success) return `what it made does not start: ${said.complaint}`;
  if (said.stdout.trim() === version) return undefined;
  return `what it made is not ours: to --version it says ${JSON.stringify(said.stdout.trim())}`;
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function exceptAbsence(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
