/**
 * An agent before and after a day of work, in memory and handles.
 *
 * The clock is one that a test moves and containers are of memory: the day is over in a minute. All else
 * is as on a node, and the client that makes the calls lives in the same process, as does the stand-in.
 *
 * @module
 */

import { startLog } from "../../../lib/log.ts";
import { DayOfWork, type Held } from "../../support/day_of_work.ts";
import { always, atMostTimes, type Measure, type Row } from "../measure.ts";

const early = "RSS, hours 2 to 6";
const late = "RSS, hours 20 to 24";
const more = "handles more after 24 hours than after 2";

export const measure: Measure = {
  name: "day_of_work",
  question: "Does an agent grow that works for a day?",
  targets: [atMostTimes(1.1, late, early), always(0, more)],
  needs: "nothing",
  v8Flags: ["--jitless", "--max-semi-space-size=1", "--expose-gc"],
  withinMinutes: 15,
  async run({ tell }): Promise<readonly Row[]> {
    await using _log = await startLog({ level: "info", format: "json", write: () => {} });
    await using work = await DayOfWork.start();
    const hours: Settled[] = [];
    // What is kept for an hour is forgotten for the first time in the second one.
    await work.hours(1);
    for (let hour = 2; hour <= 24; hour++) {
      await work.hours(1);
      hours.push(await settled(work));
      if (hour % 8 === 0) tell(`${hour} hours`);
    }
    const [first, last] = [hours.slice(0, 5), hours.slice(-5)];
    const row = (label: string, unit: Row["unit"], samples: readonly number[]): Row => ({
      label,
      unit,
      samples,
    });
    const [before, after] = [first[0], last.at(-1)].map((one) => ({
      handles: one?.handles.length ?? NaN,
      timers: one?.timers ?? NaN,
    }));
    return [
      {
        ...row(early, "MB", first.map(({ rssMb }) => rssMb)),
        note:
          "with the client and the stand-in for podman, after a collection of garbage at each " +
          "hour: a day that is over in a minute leaves none of the idle moments in which it is done",
      },
      { ...row(late, "MB", last.map(({ rssMb }) => rssMb)), beside: early },
      row("heap, hours 2 to 6", "MB", first.map(({ heapMb }) => heapMb)),
      {
        ...row("heap, hours 20 to 24", "MB", last.map(({ heapMb }) => heapMb)),
        beside: "heap, hours 2 to 6",
      },
      row(more, "count", [(after?.handles ?? NaN) - (before?.handles ?? NaN)]),
      row("timers more after 24 hours than after 2", "count", [
        (after?.timers ?? NaN) - (before?.timers ?? NaN),
      ]),
      row("rows in the registry, hours 2 to 6", "count", first.map(({ rows }) => rows)),
      {
        ...row("rows in the registry, hours 20 to 24", "count", last.map(({ rows }) => rows)),
        beside: "rows in the registry, hours 2 to 6",
      },
    ];
  },
};

interface Settled extends Held {
  readonly rssMb: number;
  readonly heapMb: number;
}

async function settled(work: DayOfWork): Promise<Settled> {
  for (let time = 0; time < 5; time++) {
    (globalThis as { readonly gc?: () => void }).gc?.();
    // What is let go of by a finalizer goes with the next one.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { rss, heapUsed } = Deno.memoryUsage();
  return { ...await work.held(), rssMb: rss / 1e6, heapMb: heapUsed / 1e6 };
}
