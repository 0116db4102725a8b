import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Alerter } from "../../agent/watch/monitor/alerter.ts";
import { probeWith } from "../../agent/watch/probes/probe.ts";
import { Prober } from "../../agent/watch/probes/prober.ts";
import { getService, wantComponent } from "../../agent/registry/services.ts";
import { healthCheckDefaults } from "../../lib/domain/health_check.ts";
import type { CommandResult } from "../../agent/runtime/runtime.ts";
import { CountedSql } from "../support/counted_sql.ts";
import { ada, componentSpec, RolloutTrial, serviceSpec } from "../support/rollout_trial.ts";

const web1 = "registry.example/web:v1";
const well: CommandResult = { code: 0, output: "" };
const sick: CommandResult = { code: 1, output: "no database" };

const shop = serviceSpec(
  "shop",
  componentSpec("web", web1, {
    healthcheck: { probe: { kind: "exec", command: ["check"] }, ...healthCheckDefaults },
  }),
);

/** A component whose health is as the test says, and somebody who asks for it. */
class HealthTrial implements AsyncDisposable {
  readonly rooms: RolloutTrial;
  readonly prober: Prober;
  readonly alerts: string[] = [];
  answer = well;
  readonly #stop = new AbortController();

  private constructor(rooms: RolloutTrial) {
    this.rooms = rooms;
    const { registry, locks, clock, runtime } = rooms;
    const alerter = new Alerter({
      registry,
      thresholds: {
        cooldownMs: 0,
        flapThreshold: 9,
        flapWindowMs: 600_000,
        alertRecovered: true,
      },
      command: {
        argv: ["notify"],
        node: "rift",
        signal: this.#stop.signal,
        exec: (_argv, { env = {} }) => {
          this.alerts.push(`${env["MCP_ALERT_TYPE"]} ${env["MCP_OBSERVED"]}`);
          return Promise.resolve({ code: 0, stdout: "", stderr: "" });
        },
      },
    });
    this.prober = new Prober({
      registry,
      locks,
      clock,
      probe: probeWith(runtime),
      onChange: (transition, at) => alerter.consider({ transitions: [transition] }, at),
    });
  }

  /** The shop is deployed, and healthy. */
  static async start(): Promise<HealthTrial> {
    const rooms = await RolloutTrial.start([]);
    const trial = new HealthTrial(rooms);
    rooms.runtime.publish(web1, { exec: () => trial.answer });
    await rooms.rollout.deploy(shop, undefined, ada);
    rooms.runtime.calls.length = 0;
    return trial;
  }

  /** Asks so many times, at the interval. */
  async rounds(count: number): Promise<void> {
    for (let round = 0; round < count; round++) {
      await this.prober.round(this.#stop.signal);
      await this.rooms.clock.sleep(30_000);
    }
  }

  /** "health: what the last probe was answered", as it is remembered. */
  get health(): string {
    const component = getService(this.rooms.registry, "shop")?.components[0];
    return `${component?.health}: ${component?.lastProbe}`;
  }

  get probes(): number {
    return this.rooms.runtime.calls.filter((call) => call.startsWith("exec")).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.rooms[Symbol.asyncDispose]();
  }
}

Deno.test("a component that a rollout has found healthy stays so, at one probe per interval", async () => {
  await using trial = await HealthTrial.start();
  strictEqual(trial.health, "healthy: exit code 0");
  await trial.rounds(4);
  strictEqual(trial.probes, 4);
  // A round that comes early asks nobody.
  strictEqual(await trial.prober.round(AbortSignal.timeout(300_000)) > 0, true);
  await trial.prober.round(AbortSignal.timeout(300_000));
  strictEqual(trial.probes, 5);
  strictEqual(trial.health, "healthy: exit code 0");
  deepStrictEqual(trial.alerts, []);
});

Deno.test("a component is unhealthy after its retries, and well at its first good answer", async () => {
  await using trial = await HealthTrial.start();
  await trial.rounds(2);
  trial.answer = sick;
  await trial.rounds(2);
  strictEqual(trial.health, "healthy: exit code 0");
  await trial.rounds(1);
  strictEqual(trial.health, "unhealthy: exit code 1: no database");
  await trial.rounds(3);
  trial.answer = well;
  await trial.rounds(2);
  strictEqual(trial.health, "healthy: exit code 0");
  deepStrictEqual(trial.rooms.events("shop"), [
    "web unknown to running: deploy by ada",
    "web running to unhealthy: exit code 1: no database",
    "web unhealthy to running: healthy again",
  ]);
  deepStrictEqual(trial.alerts, ["drift unhealthy", "recovered running"]);
  // What is observed of it was the same all the time.
  deepStrictEqual(trial.rooms.components("shop"), [
    "web wants running, seen running, deployed v1 by 1",
  ]);
});

Deno.test("a component that has just been started is given its time", async () => {
  await using trial = await HealthTrial.start();
  await trial.rounds(1);
  trial.answer = sick;
  await trial.rooms.runtime.restart("shop-web", 0);
  await trial.rooms.observer.observe();
  // The start period is as long as the interval: the first bad answer does not count.
  await trial.rounds(3);
  strictEqual(trial.health, "healthy: exit code 0");
  await trial.rounds(1);
  strictEqual(trial.health, "unhealthy: exit code 1: no database");
});

Deno.test("an unhealthy component is not kept by a rollout that asks for the same", async () => {
  await using trial = await HealthTrial.start();
  await trial.rounds(1);
  trial.answer = sick;
  await trial.rounds(4);
  trial.answer = well;
  const { outcomes } = await trial.rooms.rollout.deploy(shop, undefined, ada, {
    keepUnchanged: true,
  });
  strictEqual(outcomes[0]?.verdict, "healthy");
  strictEqual(trial.health, "healthy: exit code 0");
});

Deno.test("nobody asks a component that is being moved, is stopped, or has ended", async () => {
  await using trial = await HealthTrial.start();
  const { rollout, runtime, observer } = trial.rooms;
  const pull = runtime.hold("pull");
  const deploying = rollout.deploy(shop, undefined, ada);
  await pull.reached;
  await trial.rounds(2);
  strictEqual(trial.probes, 0);
  pull.release();
  await deploying;
  await rollout.stop("shop", ada);
  runtime.calls.length = 0;
  await trial.rounds(2);
  strictEqual(trial.probes, 0);
  await rollout.start("shop", ada);
  runtime.stopByHand("shop-web");
  await observer.observe();
  runtime.calls.length = 0;
  await trial.rounds(2);
  strictEqual(trial.probes, 0);
});

Deno.test("an answer that comes when the component is moved already counts for nothing", async () => {
  await using trial = await HealthTrial.start();
  const { rollout, runtime } = trial.rooms;
  await trial.rounds(2);
  trial.answer = sick;
  await trial.rounds(2);
  const probe = runtime.hold("exec", { times: 1 });
  const asking = trial.prober.round(AbortSignal.timeout(300_000));
  await probe.reached;
  trial.answer = well;
  const deploying = rollout.deploy(shop, undefined, ada);
  await deploying;
  trial.answer = sick;
  probe.release();
  await asking;
  strictEqual(trial.health, "healthy: exit code 0");
  strictEqual(trial.rooms.events("shop").some((event) => event.includes("unhealthy")), false);
});

Deno.test("a bad answer that comes while the component is being moved counts for nothing", async () => {
  await using trial = await HealthTrial.start();
  const { rollout, runtime } = trial.rooms;
  await trial.rounds(2);
  trial.answer = sick;
  await trial.rounds(2);
  const probe = runtime.hold("exec", { times: 1 });
  const asking = trial.prober.round(AbortSignal.timeout(60_000));
  await probe.reached;
  const stop = runtime.hold("stop");
  const deploying = rollout.deploy(shop, undefined, ada);
  await stop.reached;
  probe.release();
  await asking;
  strictEqual(trial.rooms.events("shop").some((event) => event.includes("unhealthy")), false);
  trial.answer = well;
  stop.release();
  await deploying;
  strictEqual(trial.health, "healthy: exit code 0");
});

Deno.test("the loop asks again and again, and outlives a bad round", async () => {
  await using trial = await HealthTrial.start();
  const { clock, runtime } = trial.rooms;
  clock.autoAdvance = false;
  const stop = new AbortController();
  const running = trial.prober.run(stop.signal);
  runtime.fail("exec", new TypeError("a defect") as never, { times: 1 });
  for (let second = 0; second < 130; second++) await clock.advance(1_000);
  stop.abort();
  await running;
  strictEqual(trial.probes >= 4, true, `${trial.probes} probes`);
});

Deno.test("a node on which nothing is asked and nothing happens is left to be", async () => {
  await using trial = await HealthTrial.start();
  const { clock, rollout, registry } = trial.rooms;
  await rollout.stop("shop", ada);
  clock.autoAdvance = false;
  const stop = new AbortController();
  const running = trial.prober.run(stop.signal);
  await clock.advance(10_000);
  using sql = new CountedSql();
  await clock.advance(500_000);
  deepStrictEqual(sql.statements, []);
  // What is written wakes it, and what came up by that is asked within five seconds.
  trial.rooms.runtime.calls.length = 0;
  await trial.rooms.runtime.start("shop-web");
  registry.transaction(() => wantComponent(registry, "shop", "web", "running", clock.now()));
  await trial.rooms.observer.observe();
  await clock.advance(5_000);
  strictEqual(trial.probes, 1);
  // Also in its longest sleep it hears that it is to end.
  await rollout.stop("shop", ada);
  await clock.advance(60_000);
  stop.abort();
  await running;
});
