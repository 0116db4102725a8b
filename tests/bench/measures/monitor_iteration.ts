/**
 * One iteration of the monitor in which nothing has happened: a look, what it means, and what is
 * written of it.
 *
 * @module
 */

import { iterate } from "../../../agent/watch/monitor/monitor.ts";
import { CountedSql } from "../../support/counted_sql.ts";
import { ManyContainers } from "../../support/many_containers.ts";
import { interleaved, timed } from "../interleaved.ts";
import { always, atMost, atMostTimes, type Bench, type Measure, type Row } from "../measure.ts";

const hundred = "100 containers";
const thousand = "1,000 containers";
const transactions = "transactions of an iteration, 1,000 containers";
const calls = "calls of the runtime, 1,000 containers";
const statements = "SQL statements, 1,000 containers";

/** So many in a row are one sample: one alone is of a few milliseconds. */
const iterations = 5;
/** Of what is over so soon, the middle of a few is anybody's. */
const fewest = 21;

export const measure: Measure = {
  name: "monitor_iteration",
  question: "What does one iteration of the monitor cost that finds nothing new?",
  targets: [
    atMostTimes(10.5, thousand, hundred),
    atMost(25, thousand),
    always(1, transactions),
    always(1, calls),
  ],
  needs: "nothing",
  v8Flags: ["--jitless"],
  withinMinutes: 5,
  run,
};

async function run({ repeat }: Bench): Promise<readonly Row[]> {
  await using few = await ManyContainers.start(100);
  await using many = await ManyContainers.start(1_000);
  const sample = (node: ManyContainers) => async () => {
    const ms = await timed(async () => {
      for (let count = 0; count < iterations; count++) {
        await node.clock.advance(60_000);
        await iterate(node.watching);
      }
    });
    return ms / iterations;
  };
  const samples = await interleaved(Math.max(repeat, fewest), {
    [hundred]: sample(few),
    [thousand]: sample(many),
  });
  many.runtime.calls.length = 0;
  using sql = new CountedSql();
  await iterate(many.watching);
  return [
    {
      label: hundred,
      unit: "ms",
      samples: samples[hundred],
      note:
        "by the runtime of memory, on a registry that waits for the disk; without a JIT, as on a node",
    },
    { label: thousand, unit: "ms", samples: samples[thousand], beside: hundred },
    { label: transactions, unit: "count", samples: [sql.count("BEGIN")] },
    { label: calls, unit: "count", samples: [many.runtime.calls.length] },
    { label: statements, unit: "count", samples: [sql.statements.length] },
  ];
}
