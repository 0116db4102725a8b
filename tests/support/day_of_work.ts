/**
 * A whole agent at work for as many hours as one likes, on a clock that a test moves: containers that
 * run, die and flap, probes, calls of every kind, refused ones too, streams, rollouts, alerts, and what
 * is too old forgotten.
 *
 * Registry, gRPC, TLS, files and the alert's program are real.
 *
 * @module
 */

import type { Registry } from "../../agent/registry/registry.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import type { HealthCheck } from "../../lib/domain/health_check.ts";
import { connect } from "../../lib/rpc/client.ts";
import { specToWire } from "../../lib/wire/specs.ts";
import { McpAgent } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { FakeClock } from "./fake_clock.ts";
import { MemoryRuntime } from "./memory_runtime.ts";
import { componentSpec } from "./rollout_trial.ts";
import { ample, type NodeClient, TestNode } from "./test_node.ts";

/** What could grow, and must not. */
export interface Held {
  /** Open files, sockets and pipes of this process, by what they lead to. */
  readonly handles: readonly string[];
  /** Who sleeps on the agent's clock. */
  readonly timers: number;
  /** Rows of tables that are pruned. */
  readonly rows: number;
}

const second = 1_000;
const minute = 60 * second;

const image = {
  steady: "a.example/steady:v1",
  flapping: "a.example/flapping:v1",
  dying: "a.example/dying:v1",
} as const;

const healthcheck: HealthCheck = {
  probe: { kind: "exec", command: ["healthy"] },
  intervalMs: 30 * second,
  timeoutMs: 5 * second,
  retries: 3,
  startPeriodMs: 10 * second,
};

const config = `[monitor]
interval = "60s"
alert_command = ["/bin/true"]
cooldown = "15m"
flap_threshold = 3
flap_window = "10m"
retention = "1h"

[rollout]
settle = "1s"
`;

/** A node of fifty components, at work; `await using` ends it. */
export class DayOfWork implements AsyncDisposable {
  readonly node: TestNode<MemoryRuntime, FakeClock>;
  readonly #client: NodeClient;
  readonly #stranger: NodeClient;
  /** One for all the time: SQLite keeps the file of one that is closed while the agent has it open. */
  readonly #registry: Registry;
  readonly #watching = new AbortController();
  #minutes = 0;
  #isWell = true;
  /** Events that the stream has told which is open all the time. */
  told = 0;

  private constructor(node: TestNode<MemoryRuntime, FakeClock>) {
    this.node = node;
    this.#client = node.client();
    this.#registry = node.openRegistry();
    this.#stranger = node.client("mcp_unknown");
  }

  static async start(): Promise<DayOfWork> {
    const clock = new FakeClock();
    const runtime = new MemoryRuntime({ clock });
    const work = new DayOfWork(await TestNode.start({ clock, runtime, monitors: true, config }));
    await work.#arrange();
    return work;
  }

  /** Works for so long. */
  async hours(count: number): Promise<void> {
    for (let left = count * 60; left > 0; left--) {
      await this.node.clock.advance(minute);
      await this.#eachMinute();
      this.#minutes++;
    }
  }

  /** What it holds, with no call under way. */
  async held(): Promise<Held> {
    let handles = openFiles();
    let timers = Infinity;
    // The least of some moments: a look that was just rung for, and a connection that was just hung
    // up, take a moment.
    for (let moment = 0; moment < 20; moment++) {
      await this.node.clock.advance(second);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const open = openFiles();
      if (open.length < handles.length) handles = open;
      timers = Math.min(timers, this.node.clock.sleepers);
    }
    return { handles, timers, rows: this.#rows() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watching.abort();
    this.#registry[Symbol.dispose]();
    await this.node[Symbol.asyncDispose]();
  }

  #rows(): number {
    const tables = ["events", "audit", "alerts", "operations"];
    const counts = tables.map((table) =>
      Number(this.#registry.get(`SELECT count(*) AS count FROM ${table}`)?.["count"])
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #arrange(): Promise<void> {
    const { runtime } = this.node;
    runtime.publish(image.steady, { exec: () => ({ code: this.#isWell ? 0 : 1, output: "" }) });
    runtime.publish(image.flapping, { exit: { code: 1, afterMs: 97 * second } });
    runtime.publish(image.dying, { exit: { code: 137, afterMs: 25 * minute, oomKilled: true } });
    for (let at = 0; at < 10; at++) await this.#deploy(at);
    void this.#watch();
  }

  /** A service of five components: two that are probed, one that flaps, one that dies, one more. */
  async #deploy(at: number): Promise<void> {
    const spec: ServiceSpec = {
      name: `svc-${at}`,
      active: true,
      components: [
        componentSpec("web", image.steady, { healthcheck }),
        componentSpec("api", image.steady, { healthcheck }),
        componentSpec("db", image.steady),
        componentSpec("flaky", at === 0 ? image.flapping : image.steady, { restart: "always" }),
        componentSpec("batch", at === 1 ? image.dying : image.steady, { restart: "no" }),
      ],
    };
    await this.#during(this.#client.deploy({ service: specToWire(spec) }, { timeoutMs: 600_000 }));
  }

  async #watch(): Promise<void> {
    const { signal } = this.#watching;
    try {
      for await (const _ of this.#client.watchEvents({}, { timeoutMs: Infinity, signal })) {
        this.told++;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #eachMinute(): Promise<void> {
    const { node } = this;
    const client = this.#client;
    const every = (minutes: number) => this.#minutes % minutes === 0;
    await client.liveCheck({}, ample);
    await client.listServices({}, ample);
    if (every(2)) await refused(this.#stranger.nodeStatus({}, ample));
    if (every(5)) await client.getServiceStatus({}, ample);
    if (every(7)) this.#isWell = !this.#isWell;
    if (every(10)) await this.#transfer();
    if (every(10)) await this.#lookIn();
    if (every(60)) await this.#deploy(2);
    if (every(60)) await this.#deploy(1);
    // What only the stand-in remembers.
    node.runtime.calls.length = 0;
  }

  async #transfer(): Promise<void> {
    const content = new TextEncoder().encode(
      `written after ${this.#minutes} minutes\n`.repeat(500),
    );
    const file = { service: "svc-3", path: "etc/app.conf" };
    await this.#client.pushFile({ ...file, content, mode: 0o644 }, ample);
    await this.#client.pullFile(file, ample);
  }

  /** Somebody comes with a connection of his own, follows for a moment and hangs up. */
  async #lookIn(): Promise<void> {
    const { address, ca, adminToken: token } = this.node;
    // Not one of the node's own clients: those are kept until its end.
    const client = connect({ service: McpAgent, address, ca, token });
    const gone = new AbortController();
    const streams = [
      client.watchEvents({ service: "svc-0" }, { ...ample, signal: gone.signal }),
      client.streamLogs({ service: "svc-3", follow: true }, { ...ample, signal: gone.signal }),
    ].map(async (stream) => {
      try {
        for await (const _ of stream);
      } catch {
        // It was hung up on.
      }
    });
    await client.listEvents({ limit: 1_000 }, ample);
    await client.listAudit({}, ample);
    gone.abort();
    await Promise.all(streams);
    client.close();
  }

  /** Lets time pass until this has come to its end. */
  async #during(work: Promise<unknown>): Promise<void> {
    let isOver = false;
    const over = work.finally(() => isOver = true);
    over.catch(() => {});
    while (!isOver) await this.node.clock.advance(50);
    await over;
  }
}

/** What the descriptors of this process lead to, without the numbers that sockets and pipes have. */
function openFiles(): string[] {
  const targets: string[] = [];
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      targets.push(Deno.readLinkSync(`/proc/self/fd/${name}`).replace(/:\[\d+\]$/, ""));
    } catch {
      // That of the folder that was just read is closed by now.
    }
  }
  return targets.sort();
}

async function refused(call: Promise<unknown>): Promise<void> {
  const answer = await call.then(() => "answered", () => "refused");
  if (answer !== "refused") throw new Error("A call without a token was answered");
}
