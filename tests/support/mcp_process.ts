/**
 * `mcp` as a process of its own, with the permissions it has on a workstation.
 *
 * @module
 */

import { denoDir, processArgv } from "./workstation.ts";

/** What a process left behind. */
export interface ProcessOutcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `mcp` and waits for its end. */
export async function runMcp(
  home: string,
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly stdin?: string;
    /** Told all that it has written to standard error, each time. */
    readonly onErr?: (err: string) => Promise<void>;
  } = {},
): Promise<ProcessOutcome> {
  const [program = "", ...rest] = processArgv(...args);
  const child = new Deno.Command(program, {
    args: rest,
    env: { HOME: home, DENO_DIR: await denoDir(), ...options.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  // A command that asks for nothing may have ended already.
  await writer.write(new TextEncoder().encode(options.stdin ?? "")).catch(() => {});
  await writer.close().catch(() => {});
  let err = "";
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      err += text;
      await options.onErr?.(err);
    }
  })();
  const [{ code }, out] = await Promise.all([
    child.status,
    new Response(child.stdout).text(),
    reading,
  ]);
  return { code, out, err };
}
