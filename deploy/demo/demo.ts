/**
 * The main job, one command after the other; each step checks what it shows.
 *
 * Runs inside a sandbox, started by `main.ts`.
 *
 * @module
 */

import { stopSignals } from "../sandbox/stop_signals.ts";
import { demoFolders, startDemoNode } from "./demo_node.ts";
import type { Operator } from "./operator.ts";

if (import.meta.main) {
  using stop = stopSignals();
  const startedAt = performance.now();
  try {
    await using node = await startDemoNode(demoFolders(), stop.signal);
    await play(node.operator, node.pagePort);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    node.operator.say(`Done in ${seconds} s. Cleaning up: agent, containers, images, folders`);
  } catch (error) {
    // deno-lint-ignore no-console -- an entry: failures are said on stderr
    console.error(stop.signal.aborted ? "\nInterrupted: cleaned up" : error);
    Deno.exitCode = stop.signal.aborted ? 130 : 1;
  }
}

async function play(operator: Operator, pagePort: number): Promise<void> {
  const page = ["curl", "--silent", "--show-error", `http://127.0.0.1:${pagePort}/`];

  operator.say("The definition: what should run");
  await operator.run(["cat", "hello.toml"]);

  operator.say("Deploy it, and look at the page it serves");
  await operator.run(["mcp", "deploy", "hello"]);
  demand(await operator.run(page), "hello-web v1");

  operator.say("What runs, and what needs attention");
  demand(await operator.run(["mcp", "ps"]), "clock");
  await operator.run(["mcp", "status", "hello"]);

  operator.say(
    "Version 2: first what a deploy would do, then the deploy; the clock is not touched",
  );
  const clock = ["podman", "inspect", "--format={{.Id}} {{.State.StartedAt}}", "hello-clock"];
  const before = await operator.run(clock);
  await operator.run(["sed", "--in-place", "s/hello-web:v1/hello-web:v2/", "hello.toml"]);
  demand(await operator.run(["mcp", "plan", "hello"]), "replace");
  await operator.run(["mcp", "deploy", "hello"]);
  demand(await operator.run(page), "hello-web v2");
  demand(await operator.run(clock), before);

  operator.say("Version 3 is broken: you are told, and version 2 serves again");
  await operator.run(["sed", "--in-place", "s/hello-web:v2/hello-web:v3/", "hello.toml"]);
  await operator.run(["mcp", "deploy", "hello"], { exitCode: 8 });
  demand(await operator.run(page), "hello-web v2");

  operator.say("What was deployed, and back to the beginning");
  await operator.run(["mcp", "history", "hello"]);
  await operator.run(["mcp", "rollback", "hello", "1"]);
  demand(await operator.run(page), "hello-web v1");
  demand(await operator.run(["mcp", "logs", "hello/web", "--tail", "1"]), "listens on port 8080");

  operator.say("Stop it: the definition says so, its comments are intact");
  await operator.run(["mcp", "stop", "hello"]);
  demand(await operator.run(["grep", "active", "hello.toml"]), "active = false # `mcp stop");
  await operator.run(["mcp", "status", "hello"]);

  operator.say("Start it again");
  await operator.run(["mcp", "start", "hello"]);
  demand(await operator.run(["grep", "active", "hello.toml"]), "active = true # `mcp stop");
  demand(await operator.run(page), "hello-web v1");
  await operator.run(["mcp", "list"]);
}

/** A step that does not show what it should has failed, whatever its exit code. */
function demand(output: string, part: string): void {
  if (output.includes(part)) return;
  throw new Error(`The last command should have shown ${JSON.stringify(part)}`);
}
