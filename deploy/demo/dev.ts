/**
 * The demo's node, left running: prints how to talk to it and waits for Ctrl-C.
 *
 * Runs inside a sandbox, started by `main.ts`.
 *
 * @module
 */

import { stopSignals } from "../sandbox/stop_signals.ts";
import { demoFolders, startDemoNode } from "./demo_node.ts";

if (import.meta.main) {
  using stop = stopSignals();
  try {
    const folders = demoFolders();
    await using node = await startDemoNode(folders, stop.signal);
    await node.operator.run(["mcp", "deploy", "hello"]);
    const outside = Deno.env.get("MCP_DEMO_FOLDER_OUTSIDE") ?? folders.folder;
    node.operator.say(`The node is up. In another terminal, in this repository:

    export MCP_CONFIG=${outside}/operator/.config/mcp/mcp.toml
    deno task mcp ps
    deno task mcp status
    deno task mcp --help

  definitions  ${outside}/operator/.config/mcp/services/
  agent's log  ${outside}/node/agent.log
  the page     http://127.0.0.1:${node.pagePort}/

Ctrl-C ends it and removes everything`);
    await new Promise<void>((resolve) =>
      stop.signal.addEventListener("abort", () => resolve(), { once: true })
    );
  } catch (error) {
    if (!stop.signal.aborted) {
      // deno-lint-ignore no-console -- an entry: failures are said on stderr
      console.error(error);
      Deno.exitCode = 1;
    }
  }
}
