import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { appendAlert, lastAlert } from "../../agent/registry/alerts.ts";
import { appendAudit, recentAudit } from "../../agent/registry/audit.ts";
import { appendEvent, recentEvents } from "../../agent/registry/events.ts";
import { getService } from "../../agent/registry/services.ts";
import { McpError } from "../../lib/errors.ts";
import { type Exec, realExec } from "../../lib/system/exec.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ada, componentSpec, serviceSpec } from "../support/rollout_trial.ts";
import { ample, TestNode } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";
import { WatchTrial, type WatchTrialOptions } from "../support/watch_trial.ts";

const web1 = "registry.example/web:v1";
const web2 = "registry.example/web:v2";
const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** A service of components whose containers stay as they end. */
function shop(image: string, ...names: readonly string[]) {
  return serviceSpec("shop", ...names.map((name) => componentSpec(name, image, { restart: "no" })));
}

interface Watched {
  readonly trial: WatchTrial;
  readonly logs: QuietLogs;
}

/** A test with shop/web deployed, and nothing alerted so far. */
function watchTest(
  name: string,
  prove: (watched: Watched) => Promise<void>,
  { restart = "no", ...options }:
    & Partial<WatchTrialOptions>
    & { readonly restart?: string } = {},
): void {
  Deno.test(name, async () => {
    await using logs = await QuietLogs.start();
    await using trial = await WatchTrial.start({ images: [web1, web2], ...options });
    const spec = serviceSpec("shop", componentSpec("web", web1, { restart }));
    await trial.during(trial.rooms.rollout.deploy(spec, undefined, ada));
    // So that nothing happens in the very millisecond of a look.
    await trial.clock.advance(second);
    deepStrictEqual(trial.alerts, []);
    await prove({ trial, logs });
  });
}

// --- Drift ---

watchTest("a crash is alerted as drift, once, with what the operator needs", async ({ trial }) => {
  trial.runtime.crash("shop-web", 137);
  await trial.clock.advance(second);
  deepStrictEqual(trial.environments, [{
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    MCP_ALERT_TYPE: "drift",
    MCP_NODE: "rift",
    MCP_SERVICE: "shop",
    MCP_COMPONENT: "web",
    MCP_DESIRED: "running",
    MCP_OBSERVED: "exited",
    MCP_PREV_STATE: "running",
    MCP_TRANSITIONS: "1",
  }]);
  await trial.clock.advance(24 * hour);
  strictEqual(trial.alerts.length, 1);
});

watchTest("an alert is logged with its cause", async ({ trial, logs }) => {
  trial.runtime.crash("shop-web", 137);
  await trial.clock.advance(second);
  deepStrictEqual(
    logs.entries("mcp.monitor").filter(({ level }) => level === "WARN").map(({ message }) =>
      message
    ),
    ['"drift": "shop"/"web" should be "running" and is "exited" ("exit code 137 (SIGKILL)")'
      .replaceAll('"', "")],
  );
});

for (
  const [given, happens, alert] of [
    [
      "stops what should run",
      (trial: WatchTrial) => trial.runtime.stopByHand("shop-web"),
      "drift shop/web exited 1",
    ],
    [
      "removes what should run",
      (trial: WatchTrial) => trial.runtime.removeByHand("shop-web"), // It dies, and then it goes.
      "drift shop/web removed 2",
    ],
  ] as const
) {
  watchTest(`somebody who ${given} is alerted as drift`, async ({ trial }) => {
    happens(trial);
    await trial.clock.advance(minute);
    deepStrictEqual(trial.alerts, [alert]);
  });
}

watchTest("somebody who starts what should be stopped is alerted as drift", async ({ trial }) => {
  await trial.during(trial.rooms.rollout.stop("shop", ada));
  await trial.runtime.start("shop-web");
  await trial.clock.advance(minute);
  deepStrictEqual(trial.alerts, ["drift shop/web running 1"]);
});

watchTest("what nobody manages comes and goes without an alert", async ({ trial }) => {
  for (let time = 0; time < 10; time++) {
    await trial.runtime.runByHand("postgres");
    await trial.clock.advance(second);
    trial.runtime.removeByHand("postgres");
    await trial.clock.advance(second);
  }
  deepStrictEqual(trial.alerts, []);
  ok(trial.rooms.events("postgres").length > 10);
});

watchTest(
  "drift is alerted again when it begins anew and the cooldown is over",
  async ({ trial }) => {
    const { runtime, clock } = trial;
    runtime.crash("shop-web", 1);
    await clock.advance(minute);
    await runtime.start("shop-web");
    await clock.advance(minute);
    runtime.crash("shop-web", 1);
    await clock.advance(15 * minute);
    strictEqual(trial.alerts.length, 1);
    await runtime.start("shop-web");
    await clock.advance(minute);
    runtime.crash("shop-web", 1);
    await clock.advance(minute);
    strictEqual(trial.alerts.length, 2);
  },
);

watchTest("a cooldown outlives the agent", async ({ trial }) => {
  const { runtime, clock } = trial;
  runtime.crash("shop-web", 1);
  await clock.advance(minute);
  await trial.startAgain();
  await runtime.start("shop-web");
  await clock.advance(minute);
  runtime.crash("shop-web", 1);
  await clock.advance(minute);
  await trial.startAgain();
  await clock.advance(minute);
  deepStrictEqual(trial.alerts, ["drift shop/web exited 1"]);
});

watchTest("what happened while no agent ran is alerted by the next one", async ({ trial }) => {
  await trial.stop();
  trial.runtime.crash("shop-web", 1);
  await trial.clock.advance(hour);
  await trial.startAgain();
  deepStrictEqual(trial.alerts, ["drift shop/web exited 1"]);
});

watchTest("what was declared and never deployed is drift, and no alert", async ({ trial }) => {
  const spec = shop(web1, "web", "api");
  await trial.during(trial.rooms.rollout.deploy(spec, "web", ada));
  await trial.clock.advance(hour);
  deepStrictEqual(
    trial.rooms.components("shop").at(-1),
    "api wants running, seen removed, never deployed",
  );
  deepStrictEqual(trial.alerts, []);
});

// --- Flapping ---

watchTest("a crash loop under restart=always is alerted once, as flapping", async ({ trial }) => {
  for (let crash = 0; crash < 100; crash++) {
    trial.runtime.crash("shop-web", 3);
    await trial.clock.advance(370);
  }
  strictEqual(trial.alerts.length, 1);
  match(trial.alerts[0] ?? "", /^flapping shop\/web (running|exited) [4-6]$/);
  // Every crash is remembered, seen or told.
  const crashes = recentEvents(trial.rooms.registry, { limit: 1_000 })
    .filter(({ next, cause }) => next === "exited" && cause === "exit code 3");
  strictEqual(crashes.length, 100);
}, { restart: "always" });

watchTest("a crash loop that goes on is alerted again once per cooldown", async ({ trial }) => {
  for (let passedMs = 0; passedMs < 46 * minute; passedMs += 20 * second) {
    trial.runtime.crash("shop-web", 3);
    await trial.clock.advance(20 * second);
  }
  deepStrictEqual(
    trial.alerts.map((alert) => alert.split(" ")[0]),
    ["flapping", "flapping", "flapping", "flapping"],
  );
}, { restart: "always" });

watchTest("drift that turns out to be flapping is alerted as both", async ({ trial }) => {
  const { runtime, clock } = trial;
  for (let crash = 0; crash < 6; crash++) {
    runtime.crash("shop-web", 1);
    await clock.advance(10 * second);
    await runtime.start("shop-web");
    await clock.advance(10 * second);
  }
  deepStrictEqual(trial.alerts, ["drift shop/web exited 1", "flapping shop/web running 4"]);
});

watchTest(
  "as many transitions as the threshold in the window are no flapping",
  async ({ trial }) => {
    const { runtime, clock } = trial;
    for (let crash = 0; crash < 20; crash++) {
      runtime.crash("shop-web", 1);
      await clock.advance(5 * minute);
      await runtime.start("shop-web");
      await clock.advance(5 * minute);
    }
    ok(!trial.alerts.some((alert) => alert.startsWith("flapping")), trial.alerts.join("\n"));
  },
);

// --- Recovery ---

for (const alertRecovered of [false, true]) {
  watchTest(
    `a recovery is ${alertRecovered ? "told once" : "not told"} when ${
      alertRecovered ? "that is" : "nothing is"
    } asked for`,
    async ({ trial }) => {
      trial.runtime.crash("shop-web", 1);
      await trial.clock.advance(minute);
      await trial.runtime.start("shop-web");
      await trial.clock.advance(hour);
      const [drift, ...rest] = trial.alerts;
      strictEqual(drift, "drift shop/web exited 1");
      deepStrictEqual(rest, alertRecovered ? ["recovered shop/web running 2"] : []);
    },
    { alertRecovered },
  );
}

// --- What MCP itself does ---

watchTest(
  "nothing that MCP itself does is alerted, and all of it is remembered",
  async ({ trial }) => {
    const { rooms: { rollout }, runtime, clock } = trial;
    const rollouts: (() => Promise<unknown>)[] = [
      () => rollout.deploy(shop(web2, "web", "api"), undefined, ada),
      () => rollout.restart("shop", ada),
      () => rollout.stop("shop", ada),
      () => rollout.start("shop", ada),
      () => rollout.deploy(shop(web1, "api"), undefined, ada),
      // A deploy that fails and brings the old container back, and one that never came up.
      () => rollout.deploy(shop("registry.example/bad:v1", "api"), undefined, ada),
      () => rollout.deploy(shop("registry.example/bad:v1", "db"), "db", ada),
      () => rollout.deploy(shop("registry.example/none:v1", "api"), undefined, ada),
      () => rollout.stop("shop", ada),
      () => rollout.stop("shop", ada),
    ];
    runtime.publish("registry.example/bad:v1", { exit: { code: 3, afterMs: 500 } });
    for (const roll of rollouts) {
      await trial.during(roll());
      await clock.advance(3 * minute);
    }
    deepStrictEqual(trial.alerts, []);
    const byItself = recentEvents(trial.rooms.registry, { limit: 1_000 })
      .filter(({ actor, previous, next }) =>
        actor === "" && !(previous === "unknown" && next === "removed")
      );
    deepStrictEqual(byItself, []);
  },
);

watchTest("a look in the middle of a deploy alerts nothing of it", async ({ trial }) => {
  const run = trial.runtime.hold("run");
  const deploying = trial.rooms.rollout.deploy(shop(web2, "web"), undefined, ada);
  await trial.during(run.reached);
  deepStrictEqual(trial.runtime.containers, ["shop-web.previous exited"]);
  await trial.clock.advance(10 * minute);
  run.release();
  await trial.during(deploying);
  await trial.clock.advance(10 * minute);
  deepStrictEqual(trial.alerts, []);
  deepStrictEqual(trial.rooms.events("shop"), ["web unknown to running: deploy by ada"]);
});

watchTest("what a rollout does is looked at once, when it is over", async ({ trial }) => {
  const run = trial.runtime.hold("run");
  const before = trial.calls("list");
  const deploying = trial.rooms.rollout.deploy(shop(web2, "web"), undefined, ada);
  await trial.during(run.reached);
  await trial.clock.advance(second);
  // The deploy's own: it has renamed and stopped a container by now.
  strictEqual(trial.calls("list"), before + 1);
  await trial.runtime.runByHand("somebody-elses");
  await trial.clock.advance(second);
  strictEqual(trial.calls("list"), before + 2);
  run.release();
  await trial.during(deploying);
  await trial.clock.advance(second);
  strictEqual(trial.calls("list"), before + 3);
});

watchTest("a crash right after a deploy is alerted", async ({ trial }) => {
  await trial.during(trial.rooms.rollout.deploy(shop(web2, "web"), undefined, ada));
  await trial.clock.advance(1);
  trial.runtime.crash("shop-web", 9);
  await trial.clock.advance(second);
  deepStrictEqual(trial.alerts, ["drift shop/web exited 1"]);
});

// --- Events and the poll ---

watchTest(
  "a look follows what the runtime tells, and does not wait for the poll",
  async ({ trial }) => {
    const before = trial.calls("list");
    trial.runtime.crash("shop-web", 1);
    await trial.clock.advance(0);
    strictEqual(trial.calls("list"), before + 1);
    strictEqual(trial.alerts.length, 1);
  },
);

watchTest("a burst of events is at most five looks in a second", async ({ trial }) => {
  await trial.clock.advance(minute);
  const before = trial.calls("list");
  for (let event = 0; event < 200; event++) {
    trial.runtime.tell({
      container: "shop-web",
      status: "start",
      at: trial.clock.now(),
      exitCode: undefined,
    });
    await trial.clock.advance(10);
  }
  const looks = trial.calls("list") - before;
  ok(looks >= 8 && looks <= 12, `${looks} looks in two seconds`);
});

watchTest("what says nothing of a state is no reason to look", async ({ trial }) => {
  const before = trial.calls("list");
  for (const status of ["exec", "exec_died", "health_status", "kill", "cleanup", "attach"]) {
    trial.runtime.tell({
      container: "shop-web",
      status,
      at: trial.clock.now(),
      exitCode: undefined,
    });
    await trial.clock.advance(second);
  }
  strictEqual(trial.calls("list"), before);
});

watchTest("the poll finds what nobody told", async ({ trial }) => {
  trial.runtime.endStreams();
  trial.runtime.hang("watch");
  await trial.clock.advance(2 * second);
  trial.runtime.crash("shop-web", 1);
  await trial.clock.advance(50 * second);
  deepStrictEqual(trial.alerts, []);
  await trial.clock.advance(12 * second);
  deepStrictEqual(trial.alerts, ["drift shop/web exited 1"]);
});

watchTest("a stream of events that ends is begun again, and a look follows", async ({ trial }) => {
  const looks = trial.calls("list");
  const watches = trial.calls("watch");
  trial.runtime.endStreams();
  await trial.clock.advance(999);
  deepStrictEqual([trial.calls("watch"), trial.calls("list")], [watches, looks + 1]);
  await trial.clock.advance(1);
  strictEqual(trial.calls("watch"), watches + 1);
  trial.runtime.crash("shop-web", 1);
  await trial.clock.advance(second);
  strictEqual(trial.alerts.length, 1);
});

watchTest(
  "a stream of events that cannot be begun is tried less and less often",
  async ({ trial, logs }) => {
    trial.runtime.fail("watch");
    trial.runtime.endStreams();
    const began = trial.clock.now().getTime();
    const times: number[] = [];
    for (let passed = 0; passed < 300; passed++) {
      const before = trial.calls("watch");
      await trial.clock.advance(second);
      if (trial.calls("watch") > before) {
        times.push((trial.clock.now().getTime() - began) / second);
      }
    }
    deepStrictEqual(times, [1, 3, 7, 15, 31, 63, 123, 183, 243]);
    match(logs.messages("mcp.monitor").at(-1) ?? "", /./);
    // It is back to the first wait when a stream has lasted.
    trial.runtime.heal();
    await trial.clock.advance(5 * minute);
    const watches = trial.calls("watch");
    trial.runtime.endStreams();
    await trial.clock.advance(second);
    strictEqual(trial.calls("watch"), watches + 1);
  },
);

watchTest(
  "a defect in the stream of events is logged, and the monitor goes on",
  async ({ trial, logs }) => {
    trial.runtime.fail("watch", new TypeError("a defect") as McpError, { times: 1 });
    trial.runtime.endStreams();
    await trial.clock.advance(10 * second);
    ok(logs.text.includes("a defect"));
    trial.runtime.crash("shop-web", 1);
    await trial.clock.advance(second);
    strictEqual(trial.alerts.length, 1);
  },
);

watchTest(
  "a runtime that cannot be asked is logged, and the monitor goes on",
  async ({ trial, logs }) => {
    const { runtime, clock } = trial;
    runtime.fail("list");
    runtime.crash("shop-web", 1);
    await clock.advance(5 * minute);
    deepStrictEqual(trial.alerts, []);
    const errors = logs.entries("mcp.monitor").filter(({ level }) => level === "ERROR");
    ok(errors.length >= 4, `${errors.length} errors`);
    strictEqual(
      errors[0]?.message,
      "Cannot look at the containers: Cannot list: podman is out of order",
    );
    runtime.heal();
    await clock.advance(minute);
    deepStrictEqual(trial.alerts, ["drift shop/web exited 1"]);
  },
);

watchTest("a monitor that is told to stop finishes its look", async ({ trial }) => {
  const list = trial.runtime.hold("list");
  trial.runtime.crash("shop-web", 1);
  await list.reached;
  const stopped = trial.stop();
  let isStopped = false;
  stopped.then(() => isStopped = true);
  await trial.clock.advance(minute);
  strictEqual(isStopped, false);
  list.release();
  await stopped;
  deepStrictEqual(trial.rooms.components("shop"), [
    "web wants running, seen exited, deployed v1 by 1",
  ]);
});

// --- Forgetting ---

function remember({ rooms: { registry } }: WatchTrial, at: Date): void {
  const where = { service: "old", component: "web" };
  registry.transaction(() => {
    appendEvent(registry, {
      ...where,
      previous: "running",
      next: "exited",
      at,
      cause: "",
      actor: "",
    });
    appendAlert(registry, { ...where, kind: "drift", at });
  });
  appendAudit(registry, [{
    method: "Deploy",
    caller: "old",
    peer: "",
    service: "",
    at,
    outcome: "OK",
    reason: "",
    durationMs: 0,
  }]);
}

function remembered({ rooms: { registry } }: WatchTrial): readonly [number, boolean, number] {
  return [
    recentEvents(registry, { service: "old", limit: 10 }).length,
    lastAlert(registry, "old", "web") !== undefined,
    recentAudit(registry, { limit: 10 }).filter(({ caller }) => caller === "old").length,
  ];
}

watchTest("what is older than the retention is forgotten, and nothing else", async ({ trial }) => {
  remember(trial, trial.clock.now());
  await trial.clock.advance(59 * minute);
  deepStrictEqual(remembered(trial), [1, true, 1]);
  await trial.clock.advance(3 * minute);
  deepStrictEqual(remembered(trial), [0, false, 0]);
}, { retentionMs: hour });

watchTest("what is too old is forgotten in the middle of a crash loop, too", async ({ trial }) => {
  remember(trial, trial.clock.now());
  for (let crash = 0; crash < 130; crash++) {
    trial.runtime.crash("shop-web", 3);
    await trial.clock.advance(second);
  }
  deepStrictEqual(remembered(trial), [0, false, 0]);
  const { registry } = trial.rooms;
  const oldest = recentEvents(registry, { limit: 1_000 }).at(-1);
  ok((oldest?.at.getTime() ?? 0) >= trial.clock.now().getTime() - 2 * minute);
}, { restart: "always", retentionMs: minute });

// --- What has vanished ---

watchTest(
  "a container whose process has vanished is found in its turn, and stays found",
  async ({ trial }) => {
    const { runtime, clock } = trial;
    runtime.vanish("shop-web");
    deepStrictEqual(runtime.containers, ["shop-web running"]);
    await clock.advance(2 * minute);
    deepStrictEqual(trial.alerts, ["drift shop/web exited 1"]);
    deepStrictEqual(trial.rooms.events("shop").slice(1), ["web running to exited: vanished"]);
    // It is listed as running for ever, and every look knows better, whoever looks.
    for (let look = 0; look < 5; look++) {
      await trial.observer.observe();
      await clock.advance(10 * minute);
    }
    await trial.startAgain();
    await clock.advance(10 * minute);
    deepStrictEqual(trial.alerts.length, 1);
    strictEqual(trial.rooms.events("shop").length, 2);
    await runtime.restart("shop-web", 0);
    await clock.advance(minute);
    deepStrictEqual(trial.rooms.events("shop").slice(2), ["web exited to running: "]);
  },
);

watchTest("what is not told of is doubted at the first look of an agent", async ({ trial }) => {
  await trial.stop();
  trial.runtime.vanish("shop-web");
  await trial.startAgain();
  deepStrictEqual(trial.alerts, ["drift shop/web exited 1"]);
});

watchTest("whatever runs is doubted when the stream of events has ended", async ({ trial }) => {
  await trial.clock.advance(second);
  trial.runtime.vanish("shop-web");
  trial.runtime.endStreams();
  await trial.clock.advance(0);
  deepStrictEqual(trial.alerts, ["drift shop/web exited 1"]);
});

watchTest(
  "every container has its turn to be doubted within ten looks of the poll",
  async ({ trial }) => {
    const names = Array.from({ length: 53 }, (_, at) => `c${at}`);
    await trial.during(trial.rooms.rollout.deploy(shop(web1, ...names), undefined, ada));
    await trial.clock.advance(2 * minute);
    trial.runtime.calls.length = 0;
    await trial.clock.advance(10 * minute);
    const asked = trial.runtime.calls.filter((call) => call.startsWith("hasVanished "));
    strictEqual(new Set(asked).size, 53);
    ok(asked.length <= 70, `${asked.length} questions in ten looks`);
  },
);

watchTest("a question that is not answered keeps no look waiting", async ({ trial }) => {
  const asked = trial.runtime.hold("hasVanished");
  await trial.clock.advance(minute);
  await asked.reached;
  trial.runtime.crash("shop-web", 3);
  await trial.clock.advance(second);
  deepStrictEqual(trial.alerts, ["drift shop/web exited 1"]);
  asked.release();
});

watchTest("what ends by itself or is not managed is never asked about", async ({ trial }) => {
  await trial.runtime.runByHand("postgres");
  trial.runtime.crash("shop-web", 1);
  await trial.clock.advance(second);
  trial.runtime.calls.length = 0;
  await trial.clock.advance(10 * minute);
  strictEqual(trial.calls("hasVanished"), 0);
});

watchTest("a doubt that cannot be settled changes nothing", async ({ trial }) => {
  trial.runtime.vanish("shop-web");
  trial.runtime.fail("hasVanished");
  await trial.clock.advance(10 * minute);
  deepStrictEqual(trial.alerts, []);
  trial.runtime.heal();
  await trial.clock.advance(2 * minute);
  strictEqual(trial.alerts.length, 1);
});

// --- The alert command ---

/** A monitor's alert command as a small program; gives what to run instead. */
async function program(folder: ThrowAwayFolder, script: string, timeoutMs?: number): Promise<Exec> {
  const file = folder.at("notify");
  await Deno.writeTextFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return (_, options) =>
    realExec([file], { ...options, timeoutMs: timeoutMs ?? options.timeoutMs });
}

function commandTest(
  name: string,
  how: { readonly script: string; readonly timeoutMs?: number },
  prove: (watched: Watched & { readonly folder: ThrowAwayFolder }) => Promise<void>,
): void {
  Deno.test(name, async () => {
    await using logs = await QuietLogs.start();
    await using folder = await ThrowAwayFolder.make();
    const exec = await program(folder, how.script.replaceAll("FOLDER", folder.path), how.timeoutMs);
    await using trial = await WatchTrial.start({ images: [web1], exec });
    await trial.during(trial.rooms.rollout.deploy(shop(web1, "web"), undefined, ada));
    await trial.clock.advance(second);
    trial.runtime.crash("shop-web", 137);
    await trial.clock.advance(second);
    await prove({ trial, logs, folder });
  });
}

/** What the log says of the alert command. */
function complaintsOf(logs: QuietLogs): string[] {
  return logs.messages("mcp.monitor").filter((message) => message.startsWith("The alert command"));
}

commandTest(
  "an alert command has the variables that are promised and a PATH, and no others",
  // What the program itself was given, before its shell adds anything.
  { script: "tr '\\0' '\\n' </proc/$$/environ >FOLDER/environment" },
  async ({ trial, logs, folder }) => {
    await trial.idle();
    const environment = await Deno.readTextFile(folder.at("environment"));
    deepStrictEqual(environment.trim().split("\n").sort(), [
      "MCP_ALERT_TYPE=drift",
      "MCP_COMPONENT=web",
      "MCP_DESIRED=running",
      "MCP_NODE=rift",
      "MCP_OBSERVED=exited",
      "MCP_PREV_STATE=running",
      "MCP_SERVICE=shop",
      "MCP_TRANSITIONS=1",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]);
    deepStrictEqual(complaintsOf(logs), []);
  },
);

commandTest(
  "an alert command that fails is logged with what it said",
  { script: "echo no network >&2; exit 3" },
  async ({ trial, logs }) => {
    await trial.idle();
    deepStrictEqual(complaintsOf(logs), [
      "The alert command failed for drift of shop/web: exit code 3",
    ]);
    ok(logs.text.includes("no network"));
  },
);

commandTest(
  "an alert command that hangs is killed at its deadline, and holds nobody up",
  { script: "echo $$ >FOLDER/pid; exec sleep 86400", timeoutMs: 300 },
  async ({ trial, logs }) => {
    const looks = trial.calls("list");
    await trial.clock.advance(10 * minute);
    ok(trial.calls("list") > looks);
    await trial.idle();
    match(
      complaintsOf(logs).join(),
      /^The alert command failed for drift of shop\/web: .*no answer within 0\.3 s$/,
    );
  },
);

commandTest(
  "an alert command that still runs when the agent must end is killed",
  { script: "exec sleep 86400" },
  async ({ trial, logs }) => {
    trial.callOff();
    await trial.idle();
    match(complaintsOf(logs).join(), /it was called off: /);
  },
);

watchTest(
  "an alert command that is missing is logged, and the next one is tried",
  async ({ trial, logs }) => {
    trial.runtime.crash("shop-web", 1);
    await trial.clock.advance(second);
    await trial.idle();
    await trial.runtime.start("shop-web");
    await trial.clock.advance(hour);
    trial.runtime.crash("shop-web", 1);
    await trial.clock.advance(second);
    await trial.idle();
    deepStrictEqual(trial.alerts.length, 2);
    strictEqual(complaintsOf(logs).length, 2);
    match(complaintsOf(logs)[0] ?? "", /Cannot run \/no\/such\/program : it did not start/);
  },
  { exec: (_, options) => realExec(["/no/such/program"], options) },
);

let atOnce = 0;
let mostAtOnce = 0;
watchTest("thirty alerts at once are told four at a time", async ({ trial }) => {
  const names = Array.from({ length: 30 }, (_, at) => `c${at}`);
  await trial.during(trial.rooms.rollout.deploy(shop(web1, ...names), undefined, ada));
  await trial.clock.advance(second);
  for (const name of names) trial.runtime.crash(`shop-${name}`, 1);
  await trial.clock.advance(second);
  await trial.idle();
  strictEqual(trial.alerts.length, 30);
  ok(mostAtOnce <= 4, `${mostAtOnce} at once`);
}, {
  async exec() {
    mostAtOnce = Math.max(mostAtOnce, ++atOnce);
    await new Promise((resolve) => setTimeout(resolve, 0));
    atOnce--;
    return { code: 0, stdout: "", stderr: "" };
  },
});

for (const drainMs of [60_000, 200]) {
  const waits = drainMs === 60_000;
  Deno.test(`an agent that is told to stop ${waits ? "waits for" : "kills"} an alert command that ${waits ? "ends" : "outlives the drain time"}`, async () => {
    await using logs = await QuietLogs.start();
    await using folder = await ThrowAwayFolder.make();
    const file = folder.at("notify");
    const script = waits ? "sleep 0.3; echo done" : "echo begun; exec sleep 86400";
    await Deno.writeTextFile(file, `#!/bin/sh\n{ ${script}; } >${folder.at("said")}\n`, {
      mode: 0o755,
    });
    await using node = await TestNode.start({
      config: `[monitor]\nalert_command = [${JSON.stringify(file)}]\n` +
        `[rollout]\ndrain_timeout = "${drainMs}ms"`,
    });
    node.runtime.publish(web1);
    const client = node.client();
    await client.deploy({
      service: {
        name: "shop",
        active: true,
        components: [{ name: "web", image: web1, restart: "no" }],
      },
    }, ample);
    node.runtime.crash("shop-web", 1);
    await client.liveCheck({}, ample);
    await node.stop();
    if (waits) strictEqual(await Deno.readTextFile(folder.at("said")), "done\n");
    strictEqual(complaintsOf(logs).length, waits ? 0 : 1);
  });
}

// --- All of it ---

Deno.test("a day: looks, alerts and what is remembered are as many as they should be", async () => {
  await using logs = await QuietLogs.start();
  await using trial = await WatchTrial.start({ images: [web1, web2], alertRecovered: true });
  const { runtime, clock, rooms: { rollout, registry } } = trial;
  const began = clock.now().getTime();
  const until = async (at: number) => await clock.advance(began + at - clock.now().getTime());
  const mail = serviceSpec("mail", componentSpec("mail", web1, { restart: "always" }));
  await trial.during(rollout.deploy(shop(web1, "web", "api"), undefined, ada));
  await trial.during(rollout.deploy(mail, undefined, ada));
  await runtime.runByHand("postgres");

  await until(hour);
  runtime.crash("shop-web", 137);
  await until(2 * hour);
  await runtime.start("shop-web");
  await until(3 * hour);
  await trial.during(rollout.deploy(shop(web2, "web", "api"), undefined, ada));
  await until(4 * hour);
  for (let crash = 0; crash < 50; crash++) {
    runtime.crash("mail", 3);
    await clock.advance(400);
  }
  await until(5 * hour);
  runtime.endStreams();
  await until(6 * hour);
  runtime.fail("list");
  runtime.crash("shop-api", 1);
  await until(7 * hour);
  runtime.heal();
  await until(8 * hour);
  await trial.startAgain();
  await trial.during(rollout.stop("shop", ada));
  await until(9 * hour);
  runtime.removeByHand("postgres");
  await until(10 * hour);
  runtime.vanish("mail");
  await until(24 * hour);

  deepStrictEqual(trial.alerts.map((alert) => alert.replace(/ \d+$/, "")), [
    "drift shop/web exited",
    "recovered shop/web running",
    "flapping mail/mail running",
    "drift shop/api exited",
    "drift mail/mail exited",
  ]);
  // One a minute, those that events asked for, and none while the runtime was away.
  const looks = trial.calls("list");
  ok(looks > 1_440 && looks < 1_700, `${looks} looks`);
  const crashes = recentEvents(registry, { service: "mail", limit: 1_000 })
    .filter(({ cause }) => cause === "exit code 3");
  strictEqual(crashes.length, 50);
  strictEqual(getService(registry, "mail")?.components[0]?.observed, "exited");
  const errors = logs.entries().filter(({ level }) => level === "ERROR");
  ok(errors.every(({ message }) => String(message).includes("podman is out of order")));
});
