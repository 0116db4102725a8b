/**
 * `deno task test:debian13 [podman] [boot]` — what is tested with podman and systemd, on a Debian 13.
 *
 * Its podman and systemd are newer than those of the system that the other tests run on. The podman
 * tests run in a sandbox of its root, and the boot test on a machine of it. Ends with the counts.
 *
 * @module
 */

import { stopSignals } from "../../deploy/sandbox/stop_signals.ts";
import { makeThrowAway } from "../../deploy/sandbox/throw_away.ts";
import { formatCounts } from "../junit_counts.ts";
import { systemVariable } from "../machine/machine.ts";
import { type Part, runParts, sandboxTests, say, tests } from "../run.ts";
import { debian13Root } from "./root.ts";
import { whyNoDebian13 } from "./why_not.ts";

if (import.meta.main) {
  using stop = stopSignals();
  const reason = await whyNoDebian13();
  if (reason !== undefined) throw new Error(`Cannot test on a Debian 13: ${reason}`);
  const startedAt = performance.now();
  const root = await debian13Root(say);
  await using throwAway = await makeThrowAway();
  const parts: Readonly<Record<string, Part>> = {
    podman: sandboxTests("Podman tests on Debian 13", "tests/podman", root),
    boot: tests("Boot on Debian 13", ["--allow-all"], ["tests/machine", "tests/boot"], {
      [systemVariable]: root,
    }),
  };
  const wanted = Deno.args.length > 0 ? Deno.args : Object.keys(parts);
  const run = { id: crypto.randomUUID(), reports: throwAway.path, stopSignal: stop.signal };
  const { counts } = await runParts(
    run,
    wanted.map((name) => {
      const part = parts[name];
      if (part === undefined) {
        throw new Error(`There is no part ${name}. Name some of ${Object.keys(parts).join(", ")}`);
      }
      return [part, undefined];
    }),
  );
  say(`\nIn ${Math.round((performance.now() - startedAt) / 1000)} s`);
  say(formatCounts(counts));
  if (counts.failed > 0 || stop.signal.aborted) Deno.exitCode = 1;
}
