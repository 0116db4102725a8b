/**
 * Watches podman's events as an agent without podman's API service does, in a process of its own, to
 * be killed: prints each event in a line until then, e.g. "shop-web create".
 *
 * Takes the milliseconds that podman is asked for at once.
 *
 * @module
 */

import { Podman } from "../../agent/runtime/podman/podman.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";

/** podman, asked for its events for so long at once. */
export function podmanWithEventsFor(eventsForMs: number): Podman {
  return new Podman({
    exec: realExec,
    follow: realFollow,
    target: { program: "podman", url: undefined },
    pullTimeoutMs: 60_000,
    eventsForMs,
  });
}

/** Starts one. */
export function startWatching(eventsForMs: number): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--cached-only",
      "--allow-run=podman",
      "--ignore-env",
      import.meta.url,
      String(eventsForMs),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

if (import.meta.main) {
  const podman = podmanWithEventsFor(Number(Deno.args[0]));
  await podman.watch(({ container, status }) => {
    Deno.stdout.writeSync(new TextEncoder().encode(`${container} ${status}\n`));
  }, new AbortController().signal);
}
