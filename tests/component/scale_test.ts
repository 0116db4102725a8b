/** What the agent asks of SQLite and of the runtime, counted: it does not grow with what there is. */

import { create } from "@bufbuild/protobuf";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Alerter } from "../../agent/watch/monitor/alerter.ts";
import { iterate } from "../../agent/watch/monitor/monitor.ts";
import { forgetBefore } from "../../agent/watch/monitor/pruning.ts";
import { getServiceStatus } from "../../agent/door/rpc/get_service_status.ts";
import { liveCheck } from "../../agent/door/rpc/live_check.ts";
import { appendAudit, recentAudit } from "../../agent/registry/audit.ts";
import { eventsAfter, lastEventId, recentEvents } from "../../agent/registry/events.ts";
import { ServiceStatusRequestSchema } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { CountedSql } from "../support/counted_sql.ts";
import { addEvents, ManyContainers } from "../support/many_containers.ts";

Deno.test("a look at a thousand containers is one listing and one transaction, as at a hundred", async () => {
  const counted: unknown[] = [];
  for (const containers of [100, 1_000]) {
    await using node = await ManyContainers.start(containers);
    await iterate(node.watching);
    await node.clock.advance(60_000);
    node.runtime.calls.length = 0;
    using sql = new CountedSql();
    const { components, transitions } = await iterate(node.watching);
    deepStrictEqual([components, transitions], [containers, 0]);
    deepStrictEqual(node.runtime.calls, ["list"]);
    strictEqual(sql.count("BEGIN"), 1);
    counted.push(sql.statements.slice());
    const at = node.registry.get("SELECT min(observed_at) AS at FROM components")?.["at"];
    strictEqual(at, node.clock.now().toISOString().replace("T", " ").replace("Z", ""));
  }
  // Of what has not changed nothing is written but that it was looked at.
  const [hundred, thousand] = counted;
  deepStrictEqual(thousand, hundred);
  strictEqual((thousand as string[]).length, 6);
});

Deno.test("a look writes what has changed, and of the rest only that it was looked at", async () => {
  await using node = await ManyContainers.start(100);
  await iterate(node.watching);
  await node.clock.advance(60_000);
  for (const name of ["svc-0003-part-1", "svc-0007-part-4"]) node.runtime.removeByHand(name);
  using sql = new CountedSql();
  strictEqual((await iterate(node.watching)).transitions, 2);
  strictEqual(sql.count("BEGIN"), 1);
  strictEqual(sql.count("INSERT INTO events"), 2);
  strictEqual(sql.count("UPDATE components"), 3);
});

Deno.test("containers that were all killed at once are asked about with one question", async () => {
  await using node = await ManyContainers.start(100, { restart: "no" });
  await iterate(node.watching);
  for (const { name } of await node.runtime.list()) node.runtime.crash(name, 137);
  await node.clock.advance(1_000);
  node.runtime.calls.length = 0;
  strictEqual((await iterate(node.watching)).transitions, 100);
  deepStrictEqual(node.runtime.calls.map((call) => call.split(" ")[0]), ["list", "inspectAll"]);
});

Deno.test("alerts of many services are decided about without reading each of them", async () => {
  await using node = await ManyContainers.start(100, { restart: "no" });
  await iterate(node.watching);
  for (const { name } of await node.runtime.list()) node.runtime.crash(name, 1);
  await node.clock.advance(1_000);
  const seen = await node.observer.observe();
  let told = 0;
  const alerter = new Alerter({
    registry: node.registry,
    thresholds: { cooldownMs: 1, flapThreshold: 3, flapWindowMs: 1, alertRecovered: false },
    command: {
      argv: ["notify"],
      node: "rift",
      signal: new AbortController().signal,
      exec() {
        told++;
        return Promise.resolve({ code: 0, stdout: "", stderr: "" });
      },
    },
  });
  using sql = new CountedSql();
  alerter.consider(seen, node.clock.now());
  strictEqual(sql.statements.filter((each) => each.includes("FROM components")).length, 1);
  strictEqual(sql.count("BEGIN"), 1);
  await alerter.idle();
  strictEqual(told, 100);
});

Deno.test("no look, no status and no page of events reads all events", async () => {
  await using node = await ManyContainers.start(20);
  const entry = { method: "ListEvents", caller: "ada", peer: "", service: "", outcome: "OK" };
  const at = new Date(node.clock.now().getTime() - 4_000_000);
  appendAudit(node.registry, [{ ...entry, reason: "", durationMs: 1, at }]);
  addEvents(node.registry, 5_000, node.clock.now());
  await iterate(node.watching);
  using sql = new CountedSql();
  await iterate(node.watching);
  await getServiceStatus(node.rooms, create(ServiceStatusRequestSchema));
  await getServiceStatus(node.rooms, create(ServiceStatusRequestSchema, { name: "svc-0001" }));
  await liveCheck(node.rooms);
  const since = new Date(node.clock.now().getTime() - 3_600_000);
  for (const service of [undefined, "svc-0001", "nobody"]) {
    recentEvents(node.registry, { service, limit: 100 });
    recentEvents(node.registry, { service, since, limit: 100 });
    eventsAfter(node.registry, 0, { service, limit: 100 });
  }
  lastEventId(node.registry);
  lastEventId(node.registry, since);
  recentAudit(node.registry, { limit: 100 });
  recentAudit(node.registry, { since, limit: 100 });
  node.clock.autoAdvance = true;
  await forgetBefore(since, node, new AbortController().signal);
  const plans = sql.plans(node.registry);
  // What only ever grows is gone into by an index, and no further than there is something to find.
  const growing = /^(SCAN|SEARCH) (events|audit|alerts|operations|r|v)\b/;
  deepStrictEqual(plans.filter((plan) => growing.test(plan)).sort(), [
    "SEARCH alerts USING COVERING INDEX idx_alerts_time (timestamp<?)",
    "SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)",
    "SEARCH audit USING COVERING INDEX idx_audit_time (timestamp<?)",
    "SEARCH audit USING COVERING INDEX idx_audit_time (timestamp>?)",
    "SEARCH audit USING INTEGER PRIMARY KEY (rowid=?)",
    "SEARCH audit USING INTEGER PRIMARY KEY (rowid>?)",
    // The greatest id of all.
    "SEARCH events",
    "SEARCH events USING COVERING INDEX idx_events_time (timestamp<?)",
    "SEARCH events USING COVERING INDEX idx_events_time (timestamp>?)",
    "SEARCH events USING INDEX idx_events_service (service=? AND rowid>?)",
    "SEARCH events USING INTEGER PRIMARY KEY (rowid=?)",
    "SEARCH events USING INTEGER PRIMARY KEY (rowid>?)",
    "SEARCH operations USING COVERING INDEX sqlite_autoindex_operations_1 (id=?)",
    "SEARCH operations USING INDEX idx_operations_began (began_at<?)",
    "SEARCH r USING INDEX sqlite_autoindex_revision_components_1 (service=? AND revision=? AND component=?)",
    "SEARCH v USING INDEX sqlite_autoindex_revisions_1 (service=? AND number=?)",
  ]);
});

Deno.test("pages of events are the same, whatever the order in which they were learned", async () => {
  await using node = await ManyContainers.start(5);
  const now = node.clock.now();
  addEvents(node.registry, 50, now);
  // The clock is set back an hour, and time passes again.
  addEvents(node.registry, 50, new Date(now.getTime() - 3_600_000));
  const all = recentEvents(node.registry, { limit: 1_000 });
  strictEqual(all.length, 100);
  for (const agoMs of [-1, 0, 600_000, 3_600_000, 4_000_000, 30 * 86_400_000]) {
    const since = new Date(now.getTime() - agoMs);
    for (const service of [undefined, "svc-0000", "nobody"]) {
      const wanted = all.filter((event) =>
        event.at >= since && (service === undefined || event.service === service)
      );
      deepStrictEqual(
        recentEvents(node.registry, { service, since, limit: 7 }),
        wanted.slice(0, 7),
      );
    }
    const missed = all.filter(({ at, id }) =>
      at >= since && id <= lastEventId(node.registry, since)
    );
    deepStrictEqual(missed, []);
  }
});

Deno.test("old events are forgotten a few at a time, and others have their turn in between", async () => {
  await using node = await ManyContainers.start(5);
  const now = node.clock.now();
  addEvents(node.registry, 3_000, now);
  using sql = new CountedSql();
  const looked: number[] = [];
  const forgetting = forgetBefore(new Date(now.getTime() + 1), node, new AbortController().signal);
  let isOver = false;
  forgetting.then(() => isOver = true);
  while (!isOver) {
    looked.push(recentEvents(node.registry, { limit: 10_000 }).length);
    await node.clock.advance(5);
  }
  strictEqual(await forgetting, 3_000);
  const steps = looked.slice(1).map((left, at) => (looked[at] ?? 0) - left);
  ok(Math.max(...steps) <= 250, `${Math.max(...steps)} at once`);
  strictEqual(looked.at(-1), 0);
  // None of it in a transaction of many: each statement is one.
  strictEqual(sql.count("BEGIN"), 0);
});

Deno.test("forgetting that is called off goes on at the next time", async () => {
  await using node = await ManyContainers.start(5);
  const now = node.clock.now();
  addEvents(node.registry, 3_000, now);
  const before = new Date(now.getTime() + 1);
  const callOff = new AbortController();
  const forgetting = forgetBefore(before, node, callOff.signal);
  await node.clock.advance(5);
  callOff.abort();
  const first = await forgetting;
  ok(first > 0 && first < 3_000, `${first} of 3,000`);
  const rest = forgetBefore(before, node, new AbortController().signal);
  await node.clock.advance(10_000);
  strictEqual(await rest, 3_000 - first);
});
