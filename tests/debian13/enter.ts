/**
 * `deno run -A tests/debian13/enter.ts [PROGRAM…]` — runs a program, or a shell, in a sandbox of a
 * Debian 13, then removes the sandbox.
 *
 * @module
 */

import { runInSandbox } from "../../deploy/sandbox/sandbox.ts";
import { stopSignals } from "../../deploy/sandbox/stop_signals.ts";
import { debian13Root } from "./root.ts";

if (import.meta.main) {
  using stop = stopSignals();
  Deno.exitCode = await runInSandbox({
    argv: Deno.args.length > 0 ? Deno.args : ["bash"],
    signal: stop.signal,
    system: await debian13Root(tell),
    tell,
  });
}

function tell(line: string): void {
  // deno-lint-ignore no-console -- an entry: what is said to people goes to stderr
  console.error(line);
}
