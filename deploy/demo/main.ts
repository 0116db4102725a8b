/**
 * `deno task demo` and `deno task dev` — opens a sandbox and plays one of them in it.
 *
 * The programs are run from their source, or with `--built` as `deno task build` has made them.
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
    const isBuilt = Deno.args[1] === "--built";
    if (play === undefined || Deno.args.length > (isBuilt ? 2 : 1)) {
      throw new Error("Say which: demo or dev, and --built for the programs in dist");
    }
    await using sandbox = await openSandbox({ tell });
    Deno.exitCode = await sandbox.run({
      // Everything was fetched when this file was: the sandbox gets by without a network.
      argv: ["deno", "run", "--quiet", "--cached-only", "--no-check", "--allow-all", play],
      env: {
        MCP_DEMO_FOLDER: sandbox.outbox.inside,
        MCP_DEMO_FOLDER_OUTSIDE: sandbox.outbox.outside,
        ...(isBuilt ? { MCP_DEMO_PROGRAMS: `${sandbox.repository}/dist` } : {}),
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
