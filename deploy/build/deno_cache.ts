/**
 * Where Deno keeps what it has fetched.
 *
 * @module
 */

import { demandCommand } from "../sandbox/command.ts";

/** Deno's cache on this machine. */
export async function denoCache(): Promise<
  { readonly denoDir: string; readonly npmCache: string }
> {
  const { denoDir, npmCache }: { readonly denoDir: string; readonly npmCache: string } = JSON.parse(
    await demandCommand("find Deno's cache", [Deno.execPath(), "info", "--no-config", "--json"], {
      timeoutMs: 60_000,
    }),
  );
  return { denoDir, npmCache };
}
