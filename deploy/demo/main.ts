/**
 * `deno task demo` and `deno task dev` — opens a sandbox and plays one of them in it.
 *
 * Needs every permission: it starts programs as root, mounts, and gives files away.
 *
 * @module
 */

import { openSandbox } from "../sandbox/sandbox.ts";
import { stopSignals } from "../sandbox/stop_signals.ts";

const plays: Readonly<Record<string, string>> = {
  demo: "deploy/demo/demo.ts",
  dev: "deploy/demo/dev.ts",
};

if (import.meta.main) {
  using stop = stopSignals();
  try {
    const play = plays[Deno.args[0] ?? ""];
    if (play === undefined) throw new Error("Say which: demo or dev");
    await using sandbox = await openSandbox({ tell });
    Deno.exitCode = await sandbox.run({
      // Everything was fetched when this file was: the sandbox gets by without a network.
      argv: ["deno", "run", "--quiet", "--cached-only", "--no-check", "--allow-all", play],
      env: {
        MCP_DEMO_FOLDER: sandbox.outbox.inside,
        MCP_DEMO_FOLDER_OUTSIDE: sandbox.outbox.outside,
        MCP_DEMO_SERVICE_ROOT: sandbox.user === "own" ? "/srv" : `${sandbox.outbox.inside}/srv`,
      },
      signal: stop.signal,
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
