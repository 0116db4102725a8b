/** An agent that has worked for a day holds what it held after an hour. */

import { deepStrictEqual, ok } from "node:assert/strict";
import { DayOfWork } from "../support/day_of_work.ts";
import { QuietLogs } from "../support/quiet_logs.ts";

Deno.test("what an agent holds does not grow with the hours it has worked", async () => {
  await using logs = await QuietLogs.start();
  await using work = await DayOfWork.start();
  // What is kept for an hour is forgotten from then on.
  await work.hours(1.5);
  logs.clear();
  const early = await work.held();
  await work.hours(2);
  logs.clear();
  const late = await work.held();
  deepStrictEqual([late.handles, late.timers], [early.handles, early.timers]);
  ok(late.rows < 1.2 * early.rows, `${early.rows} rows, and two hours later ${late.rows}`);
  ok(work.told > 100, `${work.told} events told`);
});
