import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryRuntime } from "../support/memory_runtime.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ample, TestNode } from "../support/test_node.ts";

const image = "registry.example/web:v1";
const uptimeMs = 60_000;

/** A machine that can go down and come up again, with an agent on it. */
class Machine implements AsyncDisposable {
  readonly clock = new FakeClock({ autoAdvance: true });
  readonly runtime = new MemoryRuntime({ clock: this.clock, images: [image] });
  #bootedAt = this.clock.now().getTime() - uptimeMs;
  #first: TestNode | undefined;
  #node: TestNode | undefined;

  get node(): TestNode {
    if (this.#node === undefined) throw new Error("The agent does not run");
    return this.#node;
  }

  /** The agent starts, on the folder of the one before. */
  async startAgent(): Promise<void> {
    this.#node = await TestNode.start({
      clock: this.clock,
      runtime: this.runtime,
      uptimeMs: () => this.clock.now().getTime() - this.#bootedAt,
      ...(this.#first === undefined ? {} : { folder: this.#first.folder }),
    });
    this.#first ??= this.#node;
  }

  async stopAgent(): Promise<void> {
    await this.#node?.stop();
    this.#node = undefined;
  }

  /** The machine is down for a minute, and everything on it with it. */
  async reboot(): Promise<void> {
    await this.stopAgent();
    for (const line of this.runtime.containers) {
      const [name = "", status] = line.split(" ");
      if (status === "running") this.runtime.stopByHand(name);
    }
    await this.clock.advance(60_000);
    this.#bootedAt = this.clock.now().getTime() - 10_000;
  }

  async deploy(name: string, restart = "unless-stopped"): Promise<void> {
    const service = { name, active: true, components: [{ name, image, restart }] };
    const { results } = await this.node.client().deploy({ service }, ample);
    strictEqual(results[0]?.error, "");
  }

  async events(service: string): Promise<string[]> {
    const { events } = await this.node.client().listEvents({ service }, ample);
    return events.map(({ prevState, newState, cause }) => `${prevState} to ${newState}: ${cause}`)
      .sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAgent();
    await this.#first?.[Symbol.asyncDispose]();
  }
}

Deno.test("after a boot what should run runs, and what was stopped does not", async () => {
  await using logs = await QuietLogs.start();
  await using machine = new Machine();
  await machine.startAgent();
  await machine.deploy("web");
  await machine.deploy("halted");
  await machine.deploy("once", "no");
  await machine.runtime.runByHand("stranger", { restart: "always" });
  await machine.node.client().stopService({ name: "halted" }, ample);

  await machine.reboot();
  await machine.startAgent();
  deepStrictEqual(machine.runtime.containers, [
    "halted exited",
    "once exited",
    "stranger exited",
    "web running",
  ]);
  deepStrictEqual(
    (await machine.events("web")).slice(0, 2),
    [
      "exited to running: started after the node booted",
      "running to exited: the node went down",
    ],
  );
  const { drift } = await machine.node.client().getServiceStatus({}, ample);
  // Its policy forbids what would mend it: that is for the operator to know.
  deepStrictEqual(drift.map(({ service }) => service), ["once"]);
  const told = logs.entries("mcp.rollout").map(({ message }) => message);
  strictEqual(told.filter((text) => text === "The node has booted: web/web started").length, 1);
});

Deno.test("after a boot a job is not run again, whether it had ended or not", async () => {
  await using _logs = await QuietLogs.start();
  await using machine = new Machine();
  await machine.startAgent();
  const job = "registry.example/job:v1";
  machine.runtime.publish(job, { exit: { code: 0, afterMs: 1_000 }, log: ["ran"] });
  const service = { name: "migrate", active: true, components: [] };
  const components = [{ name: "migrate", image: job, kind: "job", restart: "on-failure" }];
  const client = machine.node.client();
  const { results } = await client.deploy({ service: { ...service, components } }, ample);
  strictEqual(results[0]?.verdict, "completed");
  await machine.reboot();
  await machine.startAgent();
  deepStrictEqual(machine.runtime.containers, ["migrate exited"]);
  deepStrictEqual(await machine.runtime.logTail("migrate", 50), ["ran"]);
  deepStrictEqual((await machine.node.client().getServiceStatus({}, ample)).drift, []);
});

Deno.test("an agent that is only started again starts nothing: what ended meanwhile is drift", async () => {
  await using _logs = await QuietLogs.start();
  await using machine = new Machine();
  await machine.startAgent();
  await machine.deploy("web");
  await machine.stopAgent();
  machine.runtime.stopByHand("web");
  await machine.clock.advance(3_600_000);
  await machine.startAgent();
  deepStrictEqual(machine.runtime.containers, ["web exited"]);
  const { drift } = await machine.node.client().getServiceStatus({}, ample);
  deepStrictEqual(drift.map(({ observedState }) => observedState), ["exited"]);
});

Deno.test("after a boot a container that is gone, or cannot be started, is made again as deployed", async () => {
  await using logs = await QuietLogs.start();
  await using machine = new Machine();
  await machine.startAgent();
  await machine.deploy("gone");
  await machine.deploy("broken");
  await machine.reboot();
  machine.runtime.removeByHand("gone");
  machine.runtime.fail("start", undefined, { when: "start broken", times: 1 });
  machine.runtime.unpublish(image);
  await machine.startAgent();
  deepStrictEqual(machine.runtime.containers, ["broken running", "gone running"]);
  const warnings = logs.entries("mcp.rollout").filter(({ level }) => level === "WARN");
  match(
    warnings.map(({ message }) => message).join("\n"),
    /^Cannot start broken after the boot, making it again: Cannot start: podman is out of order/,
  );
});

Deno.test("what cannot be brought back after a boot is told, and the rest is brought back", async () => {
  await using logs = await QuietLogs.start();
  await using machine = new Machine();
  await machine.startAgent();
  await machine.deploy("web");
  await machine.deploy("broken");
  await machine.reboot();
  machine.runtime.fail("start", undefined, { when: "start broken" });
  machine.runtime.fail("run", undefined, { when: /^run broken/ });
  await machine.startAgent();
  deepStrictEqual(machine.runtime.containers, ["broken exited", "web running"]);
  const errors = logs.entries("mcp.rollout").filter(({ level }) => level === "ERROR");
  strictEqual(errors.length, 1);
  match(errors[0]?.message ?? "", /^The node has booted: cannot start broken\/broken: /);
  const { drift } = await machine.node.client().getServiceStatus({}, ample);
  deepStrictEqual(drift.map(({ service }) => service), ["broken"]);
});

Deno.test("a boot after which podman cannot be asked at first is made good as soon as it can", async () => {
  await using _logs = await QuietLogs.start();
  await using machine = new Machine();
  await machine.startAgent();
  await machine.deploy("web");
  await machine.reboot();
  machine.runtime.fail("list");
  await machine.startAgent();
  deepStrictEqual(machine.runtime.containers, ["web exited"]);
  machine.runtime.heal();
  // Any verb waits for what the node owes.
  await machine.deploy("other");
  deepStrictEqual(machine.runtime.containers, ["other running", "web running"]);
});
