/**
 * Parts of the tests that are run beside the others, and shown when those have been shown.
 *
 * What waits much and what computes much leave a core idle each when they are run one after the
 * other.
 *
 * @module
 */

import { signalFor } from "../deploy/sandbox/stop_signals.ts";
import { oneFailed, type Outcome } from "./junit_counts.ts";

/** A run that goes on by itself. */
export interface RunBeside {
  /** Shows what it has printed, and prints from now on; resolves when it has ended. */
  finish(): Promise<Outcome>;
}

/**
 * Starts `run.ts` once more as a process of its own.
 *
 * @param args Its arguments; the last one names the file that it leaves its outcome in.
 * @param stopSignal Hands on how this run is stopped.
 */
export function runBeside(args: readonly string[], stopSignal: AbortSignal): RunBeside {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", new URL("run.ts", import.meta.url).pathname, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stop = () => {
    try {
      child.kill(signalFor(stopSignal));
    } catch {
      // It has ended by itself.
    }
  };
  stopSignal.addEventListener("abort", stop, { once: true });
  const held: Uint8Array[] = [];
  let isShown = false;
  const show = (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  };
  const reading = [child.stdout, child.stderr].map(async (stream) => {
    for await (const bytes of stream) {
      if (isShown) show(bytes);
      else held.push(bytes);
    }
  });
  return {
    async finish() {
      for (const bytes of held) show(bytes);
      isShown = true;
      const [{ code }] = await Promise.all([child.status, ...reading]);
      stopSignal.removeEventListener("abort", stop);
      try {
        return JSON.parse(await Deno.readTextFile(args.at(-1) ?? ""));
      } catch (error) {
        show(
          new TextEncoder().encode(
            `It ended with exit code ${code} and left no outcome: ${error}\n`,
          ),
        );
        return { counts: oneFailed, times: [] };
      }
    },
  };
}
