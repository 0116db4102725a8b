/**
 * Redeploying as one types it: podman stop, rm, run, inspect, each a process.
 *
 * @module
 */

import { webPort } from "../place/bench_image.ts";
import { wholeProcess } from "../place/whole_process.ts";

/** A container that is kept by hand. */
export interface HandMade {
  readonly name: string;
  readonly image: string;
  /** Published on the loopback. */
  readonly port: number;
}

/** Starts it, detached; how long that took, in ms. */
export async function runByHand({ name, image, port }: HandMade): Promise<number> {
  const { ms } = await wholeProcess([
    ...["podman", "run", "--detach", `--name=${name}`, "--restart=unless-stopped"],
    ...[`--publish=127.0.0.1:${port}:${webPort}`, image],
  ]);
  return ms;
}

/**
 * All four, one after the other; that it runs is what `inspect` says.
 *
 * @returns How long each took, in ms, in that order.
 */
export async function redeployByHand(made: HandMade): Promise<Map<string, number>> {
  const stopped = await wholeProcess(["podman", "stop", made.name]);
  const removed = await wholeProcess(["podman", "rm", made.name]);
  const run = await runByHand(made);
  const inspect = ["podman", "inspect", "--format={{.State.Status}}", made.name];
  const inspected = await wholeProcess(inspect);
  const state = inspected.stdout.trim();
  if (state !== "running") throw new Error(`${made.name} is ${state}`);
  return new Map([["stop", stopped.ms], ["rm", removed.ms], ["run", run], [
    "inspect",
    inspected.ms,
  ]]);
}

export async function removeByHand(...made: readonly HandMade[]): Promise<void> {
  await wholeProcess(["podman", "rm", "--force", "--time=0", ...made.map(({ name }) => name)]);
}
