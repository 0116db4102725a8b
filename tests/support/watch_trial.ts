/**
 * A node that watches itself, on a real registry and a clock that only the test moves.
 *
 * @module
 */

import { Alerter } from "../../agent/watch/monitor/alerter.ts";
import { runMonitor } from "../../agent/watch/monitor/monitor.ts";
import { Observer } from "../../agent/watch/reconcile/observe.ts";
import type { Exec } from "../../lib/system/exec.ts";
import type { FakeClock } from "./fake_clock.ts";
import type { MemoryRuntime } from "./memory_runtime.ts";
import { RolloutTrial } from "./rollout_trial.ts";

/** How it watches; as by default where nothing is said. */
export interface WatchTrialOptions {
  readonly images: readonly string[];
  readonly alertRecovered?: boolean;
  readonly intervalMs?: number;
  readonly retentionMs?: number;
  /** Runs the alert command; nothing is run unless it is said. */
  readonly exec?: Exec;
}

const day = 86_400_000;

/** The rooms of a rollout with a monitor beside them; `await using` ends it all. */
export class WatchTrial implements AsyncDisposable {
  readonly rooms: RolloutTrial;
  /** Kind, component and transitions of what was raised, e.g. "drift shop/web exited 1". */
  readonly alerts: string[] = [];
  /** The whole environment of each alert command. */
  readonly environments: Readonly<Record<string, string>>[] = [];
  readonly #options: WatchTrialOptions;
  #stop = new AbortController();
  #callOff = new AbortController();
  #observer!: Observer;
  #alerter!: Alerter;
  #running!: Promise<void>;

  private constructor(rooms: RolloutTrial, options: WatchTrialOptions) {
    this.rooms = rooms;
    this.#options = options;
    rooms.clock.autoAdvance = false;
    // A day has thousands of transactions, and nobody cuts the power.
    rooms.registry.run("PRAGMA synchronous = OFF");
    this.#begin();
  }

  /** Starts one; the first look is over. */
  static async start(options: WatchTrialOptions): Promise<WatchTrial> {
    const trial = new WatchTrial(await RolloutTrial.start(options.images), options);
    await trial.clock.advance(0);
    return trial;
  }

  get clock(): FakeClock {
    return this.rooms.clock;
  }

  get runtime(): MemoryRuntime {
    return this.rooms.runtime;
  }

  get observer(): Observer {
    return this.#observer;
  }

  /** Lets time pass until this has come to its end. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = work.finally(() => isOver = true);
    over.catch(() => {});
    while (!isOver) await this.clock.advance(50);
    return await over;
  }

  /** How often a verb of the runtime was called. */
  calls(verb: string): number {
    return this.runtime.calls.filter((call) => call === verb || call.startsWith(`${verb} `)).length;
  }

  /** What the alert commands that run are, until they have ended. */
  async idle(): Promise<void> {
    await this.#alerter.idle();
  }

  /** Calls off what runs, as an agent does that must end now. */
  callOff(): void {
    this.#callOff.abort();
  }

  /** Ends the monitor; the registry is kept. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** What an agent does that starts again: all it remembers is in the registry. */
  async startAgain(): Promise<void> {
    await this.stop();
    this.#begin();
    await this.clock.advance(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.callOff();
    await this.idle();
    await this.rooms[Symbol.asyncDispose]();
  }

  #begin(): void {
    const { rooms: { registry, runtime, locks, clock }, alerts, environments } = this;
    const { exec = () => Promise.resolve({ code: 0, stdout: "", stderr: "" }) } = this.#options;
    this.#stop = new AbortController();
    this.#callOff = new AbortController();
    const alerter = new Alerter({
      registry,
      thresholds: {
        cooldownMs: 900_000,
        flapThreshold: 3,
        flapWindowMs: 600_000,
        alertRecovered: this.#options.alertRecovered ?? false,
      },
      command: {
        argv: ["/usr/local/bin/mcp-notify"],
        node: "rift",
        signal: this.#callOff.signal,
        exec(argv, options) {
          const { env = {} } = options;
          environments.push(env);
          alerts.push(
            [
              env["MCP_ALERT_TYPE"],
              `${env["MCP_SERVICE"]}/${env["MCP_COMPONENT"]}`,
              env["MCP_OBSERVED"],
              env["MCP_TRANSITIONS"],
            ].join(" "),
          );
          return exec(argv, options);
        },
      },
    });
    const onSeen = alerter.consider.bind(alerter);
    this.#alerter = alerter;
    this.#observer = new Observer({ runtime, registry, locks, clock, onSeen });
    this.#running = runMonitor({
      runtime,
      registry,
      locks,
      clock,
      observer: this.#observer,
      recovered: () => Promise.resolve(),
      intervalMs: this.#options.intervalMs ?? 60_000,
      retentionMs: this.#options.retentionMs ?? 30 * day,
    }, this.#stop.signal);
  }
}
