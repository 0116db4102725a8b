/**
 * Forgets what is older than the retention.
 *
 * SQLite does not let go of the event loop before a statement has ended: so a few rows are forgotten
 * at a time, however many there are, and whatever waits has its turn in between.
 *
 * @module
 */

import type { Clock } from "../../../lib/system/clock.ts";
import { type ForgetfulTable, forgetOlder } from "../../registry/by_time.ts";
import type { Registry } from "../../registry/registry.ts";

interface PruningOptions {
  readonly registry: Registry;
  readonly clock: Clock;
}

/** Rows of one statement: about 5 ms among a million of them, with the wait for the disk. */
const sliceRows = 250;
/** Between two statements: as long again for everybody else. */
const restMs = 5;

const tables: readonly ForgetfulTable[] = ["events", "audit", "alerts", "operations"];

/**
 * Forgets events, audit, alerts and outcomes of rollouts from before a time.
 *
 * @returns How many rows were forgotten. Called off, the rest waits for the next time.
 */
export async function forgetBefore(
  before: Date,
  { registry, clock }: PruningOptions,
  signal: AbortSignal,
): Promise<number> {
  let forgotten = 0;
  for (const table of tables) {
    for (let rows = sliceRows; rows === sliceRows && !signal.aborted;) {
      rows = forgetOlder(registry, table, before, sliceRows);
      forgotten += rows;
      if (rows > 0) await clock.sleep(restMs, signal).catch(() => {});
    }
  }
  return forgotten;
}
