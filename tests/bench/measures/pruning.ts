/**
 * Forgetting 900,000 of a million events: for how long nobody else has a turn.
 *
 * @module
 */

import { forgetBefore } from "../../../agent/watch/monitor/pruning.ts";
import { realClock } from "../../../lib/system/clock.ts";
import { addEvents, ManyContainers } from "../../support/many_containers.ts";
import { timed } from "../interleaved.ts";
import { atMost, type Bench, type Measure, type Row } from "../measure.ts";

const blocked = "longest block of the event loop";

export const measure: Measure = {
  name: "pruning",
  question: "Does forgetting 900,000 of 1,000,000 events hold the agent up?",
  targets: [atMost(50, blocked, { figure: "max" })],
  needs: "nothing",
  v8Flags: ["--jitless"],
  withinMinutes: 5,
  run,
};

async function run({ tell }: Bench): Promise<readonly Row[]> {
  await using node = await ManyContainers.start(50);
  const until = node.clock.now();
  tell("Writing a million events");
  addEvents(node.registry, 1_000_000, until);
  const blocks: number[] = [];
  let isOver = false;
  const watching = (async () => {
    while (!isOver) blocks.push(await timed(() => new Promise((turn) => setTimeout(turn))));
  })();
  let rows = 0;
  // One event a second: the last hundred thousand of them are kept.
  const before = new Date(until.getTime() - 100_000_000);
  const ms = await timed(async () => {
    const parts = { registry: node.registry, clock: realClock };
    rows = await forgetBefore(before, parts, new AbortController().signal);
  });
  isOver = true;
  await watching;
  return [
    {
      label: blocked,
      unit: "ms",
      // Each turn that others had to wait for; that of a timer itself is among it.
      samples: blocks.sort((one, other) => other - one).slice(0, 20),
      note: `the twenty longest of ${blocks.length} turns`,
    },
    { label: "rows forgotten", unit: "count", samples: [rows] },
    { label: "all of it", unit: "ms", samples: [ms] },
  ];
}
