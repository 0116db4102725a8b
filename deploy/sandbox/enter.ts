/**
 * `deno run -A deploy/sandbox/enter.ts PROGRAM…` — runs a program in a sandbox, then removes it.
 *
 * Needs every permission: it starts programs as root, mounts, and gives files away.
 *
 * @module
 */

import { runInSandbox } from "./sandbox.ts";
import { stopSignals } from "./stop_signals.ts";

if (import.meta.main) {
  using stop = stopSignals();
  try {
    Deno.exitCode = await runInSandbox({
      argv: Deno.args.length > 0 ? Deno.args : ["bash"],
      signal: stop.signal,
      tell,
    });
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
    Deno.exitCode = 1;
  }
}

function tell(line: string): void {
  // deno-lint-ignore no-console -- an entry: what is said to people goes to stderr
  console.error(line);
}
