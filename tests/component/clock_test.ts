/** A clock that is set by a day, forwards or back: nothing hangs, nothing is lost, nobody is flooded. */

import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { createToken } from "../../agent/door/auth/local.ts";
import { appendEvent, recentEvents } from "../../agent/registry/events.ts";
import { errorChain } from "../../lib/errors.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ada, componentSpec, serviceSpec } from "../support/rollout_trial.ts";
import { ample, TestNode } from "../support/test_node.ts";
import { WatchTrial } from "../support/watch_trial.ts";

const v1 = "registry.example/web:v1";
const v2 = "registry.example/web:v2";
const minute = 60_000;
const day = 1440 * minute;
const shop = (image: string) => serviceSpec("shop", componentSpec("web", image, { restart: "no" }));

for (const [way, byMs] of [["forwards", day], ["back", -day]] as const) {
  Deno.test(`a clock set ${way} keeps no alert from being raised, and raises none`, async () => {
    await using _logs = await QuietLogs.start();
    await using trial = await WatchTrial.start({ images: [v1, v2] });
    const { runtime, clock, rooms: { rollout } } = trial;
    await trial.during(rollout.deploy(shop(v1), undefined, ada));
    runtime.crash("shop-web", 1);
    await clock.advance(minute);
    await runtime.start("shop-web");
    await clock.advance(minute);
    strictEqual(trial.alerts.length, 1);

    clock.jump(byMs);
    await clock.advance(5 * minute);
    strictEqual(trial.alerts.length, 1);

    runtime.crash("shop-web", 1);
    await clock.advance(minute);
    // Drift, and not flapping: what lies in the future now has nothing to do with it.
    deepStrictEqual(trial.alerts.slice(1), ["drift shop/web exited 1"]);

    // From then on there is one cooldown, as always.
    await runtime.start("shop-web");
    await clock.advance(minute);
    runtime.crash("shop-web", 1);
    await clock.advance(minute);
    strictEqual(trial.alerts.length, 2);
  });

  Deno.test(`a clock set ${way} between two runs of the agent repeats no alert`, async () => {
    await using _logs = await QuietLogs.start();
    await using trial = await WatchTrial.start({ images: [v1, v2] });
    const { runtime, clock, rooms: { rollout } } = trial;
    await trial.during(rollout.deploy(shop(v1), undefined, ada));
    runtime.crash("shop-web", 1);
    await clock.advance(minute);
    clock.jump(byMs);
    await trial.startAgain();
    await clock.advance(60 * minute);
    strictEqual(trial.alerts.length, 1);
    await runtime.start("shop-web");
    await clock.advance(minute);
    runtime.crash("shop-web", 1);
    await clock.advance(minute);
    strictEqual(trial.alerts.length, 2);
  });

  Deno.test(`a clock set ${way} stops neither the looking nor the forgetting`, async () => {
    await using _logs = await QuietLogs.start();
    await using trial = await WatchTrial.start({ images: [v1], retentionMs: 30 * day });
    const { clock, rooms: { registry } } = trial;
    await clock.advance(10 * minute);
    clock.jump(byMs);
    appendEvent(registry, {
      service: "shop",
      component: "web",
      previous: "running",
      next: "exited",
      at: new Date(clock.now().getTime() - 31 * day),
      cause: "",
      actor: "",
    });
    const before = trial.calls("list");
    await clock.advance(2 * minute);
    ok(trial.calls("list") >= before + 2);
    deepStrictEqual(recentEvents(registry, { limit: 9 }), []);
  });

  Deno.test(`a clock set ${way} in the middle of a deploy neither delays it nor loses it`, async () => {
    await using _logs = await QuietLogs.start();
    await using trial = await WatchTrial.start({ images: [v1, v2] });
    const { clock, rooms: { rollout } } = trial;
    await trial.during(rollout.deploy(shop(v1), undefined, ada));
    const began = clock.now().getTime() + byMs;
    const deploying = rollout.deploy(shop(v2), undefined, ada);
    await clock.advance(500);
    clock.jump(byMs);
    const { outcomes } = await trial.during(deploying);
    deepStrictEqual(outcomes.map(({ error }) => error), [""]);
    ok(clock.now().getTime() - began < minute, "it waited for the clock");
    deepStrictEqual(await trial.rooms.containers(), ["shop-web running v2"]);
    strictEqual(trial.rooms.components("shop").length, 1);
  });

  Deno.test(`a clock set ${way} during a call leaves an audit that can be read`, async () => {
    await using _logs = await QuietLogs.start();
    await using node = await TestNode.start();
    const client = node.client();
    const hold = node.runtime.hold("list");
    const looking = client.liveCheck({}, ample);
    await hold.reached;
    node.clock.jump(byMs);
    hold.release();
    await looking;
    const { entries } = await client.listAudit({}, ample);
    strictEqual(entries[0]?.method, "LiveCheck");
    strictEqual(entries[0]?.durationMs, Math.max(0, byMs));
  });

  Deno.test(`a clock set ${way} leaves what happened in its order`, async () => {
    await using _logs = await QuietLogs.start();
    await using node = await TestNode.start();
    node.runtime.publish(v1);
    const client = node.client();
    const since = { seconds: BigInt(Math.floor((node.clock.now().getTime() - 2 * day) / 1000)) };
    const request = {
      service: { name: "web", active: true, components: [{ name: "web", image: v1 }] },
    };
    strictEqual((await client.deploy(request, ample)).results[0]?.error, "");
    await client.stopService({ name: "web" }, ample);
    node.clock.jump(byMs);
    await client.startService({ name: "web" }, ample);
    const { events } = await client.listEvents({ since }, ample);
    deepStrictEqual(events.map(({ newState }) => newState), ["running", "stopped", "running"]);
    strictEqual(events[0]?.prevState, "stopped");
    const followed: string[] = [];
    for await (const { event } of client.watchEvents({ since }, ample)) {
      followed.push(event?.newState ?? "");
      if (followed.length === 3) break;
    }
    deepStrictEqual(followed, ["running", "stopped", "running"]);
  });
}

Deno.test("a token is refused when the clock was set past its end, and says why", async () => {
  await using _logs = await QuietLogs.start();
  await using node = await TestNode.start();
  using registry = node.openRegistry();
  const now = node.clock.now();
  const { token } = createToken(registry, {
    subject: "bob",
    role: "admin",
    lifetimeMs: 60 * minute,
    now,
  });
  const client = node.client(token);
  await client.listServices({}, ample);
  node.clock.jump(day);
  let failure: unknown;
  await rejects(client.listServices({}, ample), (error) => (failure = error, true));
  match(errorChain(failure), /expired/);
  node.clock.jump(-day);
  await client.listServices({}, ample);
});
