/**
 * How soon a death is noticed.
 *
 * One clock for everything, the machine's: the kill, the event as it arrives at somebody who watches,
 * and what the alert command says the time is. An event is sent after it was recorded.
 *
 * @module
 */

import type { EventInfo } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { eventually } from "../../support/eventually.ts";
import { atMost, type Bench, type Measure, type Row, type Unit } from "../measure.ts";
import { type BenchNode, startBenchNode } from "../place/bench_node.ts";
import { deployMany, manyService } from "../place/many_containers.ts";
import { wholeProcess } from "../place/whole_process.ts";
import { ThrowAwayFolder } from "../../support/throw_away_folder.ts";

const containers = 8;
const fewest = 40;

const labels = {
  command: {
    event: "podman kill, until the event is there",
    alert: "podman kill, until the alert command runs",
  },
  signal: {
    event: "SIGKILL, until the event is there",
    alert: "SIGKILL, until the alert command runs",
  },
} as const;

type Way = keyof typeof labels;

export const measure: Measure = {
  name: "kill_to_event",
  question: "How long does it take until a death is recorded, and until the operator is told?",
  targets: (["command", "signal"] as const).flatMap((way) => [
    atMost(300, labels[way].event, { figure: "p95" }),
    atMost(500, labels[way].alert, { figure: "p95" }),
  ]),
  needs: "sandbox",
  uses: ["programs"],
  withinMinutes: 8,
  run,
};

async function run(bench: Bench): Promise<Row[]> {
  await using place = await ThrowAwayFolder.make();
  const alarm = await writeAlarm(place);
  await using node = await startBenchNode(bench.programs, {
    // Every death is to be told, although they are the same few components.
    config: `[monitor]\nalert_command = ["${alarm}"]\ncooldown = "1s"\nflap_threshold = 10000\n`,
  });
  await using _many = await deployMany(node, containers, { restart: "no" });
  await using watch = watchEvents(node);
  const taken: Record<Way, { event: number[]; alert: number[] }> = {
    command: { event: [], alert: [] },
    signal: { event: [], alert: [] },
  };
  const rounds = Math.max(bench.repeat, fewest);
  for (let round = -1; round < rounds; round++) {
    for (const way of ["command", "signal"] as const) {
      // None is killed twice within the cooldown.
      const turn = round + 1 + (way === "signal" ? containers / 2 : 0);
      const component = `c${turn % containers + 1}`;
      const container = `${manyService}-${component}`;
      const pid = await pidOf(container);
      await pause();
      const seen = watch.next(component, "exited");
      const killedAt = now();
      if (way === "signal") Deno.kill(pid, "SIGKILL");
      else await wholeProcess(["podman", "kill", container]);
      const eventMs = await seen - killedAt;
      const alertMs = await alertAfter(place, component, killedAt) - killedAt;
      if (round >= 0) {
        taken[way].event.push(eventMs);
        taken[way].alert.push(alertMs);
      }
      const back = watch.next(component, "running");
      await wholeProcess(["podman", "start", container]);
      await back;
    }
  }
  const unit: Unit = "ms";
  const notes = {
    command: "From before the command was started, which takes a moment itself to kill anything.",
    signal: "To the first process of the container, from outside; it is not restarted.",
  };
  return (["command", "signal"] as const).flatMap((way) => [
    { label: labels[way].event, unit, samples: taken[way].event, note: notes[way] },
    { label: labels[way].alert, unit, samples: taken[way].alert },
  ]);
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Not in step with anything that the agent does at intervals. */
async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 400));
}

async function pidOf(container: string): Promise<number> {
  const inspect = ["podman", "inspect", "--format={{.State.Pid}}", container];
  return Number((await wholeProcess(inspect)).stdout.trim());
}

/** An alert command that writes down when it runs: a file for each component, the latest time in it. */
async function writeAlarm(place: ThrowAwayFolder): Promise<string> {
  const path = place.at("alarm");
  const told = place.at("$MCP_COMPONENT.$MCP_OBSERVED");
  await Deno.writeTextFile(path, `#!/bin/sh\nexec date +%s%N >"${told}"\n`, { mode: 0o755 });
  return path;
}

/** When the alert command ran for a component after an instant, in ms. */
async function alertAfter(
  place: ThrowAwayFolder,
  component: string,
  after: number,
): Promise<number> {
  return await eventually(`an alert of ${component}`, async () => {
    const text = await Deno.readTextFile(place.at(`${component}.exited`)).catch(() => "");
    const at = Number(text.trim()) / 1e6;
    return text.endsWith("\n") && at > after ? at : undefined;
  });
}

/** The events of a node, as they come. */
interface Watch extends AsyncDisposable {
  /** When the next event of this kind arrives, in ms. */
  next(component: string, state: string): Promise<number>;
}

const withinMs = 30_000;

function watchEvents(node: BenchNode): Watch {
  const stop = new AbortController();
  const waiting: { isIt(event: EventInfo): boolean; resolve(at: number): void }[] = [];
  const watching = (async () => {
    const call = { timeoutMs: Infinity, signal: stop.signal };
    try {
      for await (const { event } of node.client().watchEvents({ service: "" }, call)) {
        const at = now();
        if (event === undefined) continue;
        for (const waiter of waiting.filter(({ isIt }) => isIt(event))) {
          waiting.splice(waiting.indexOf(waiter), 1);
          waiter.resolve(at);
        }
      }
    } catch (error) {
      // That it was called off is how it ends.
      if (!stop.signal.aborted) throw error;
    }
  })();
  return {
    next(component, state) {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const timer = setTimeout(
        () => reject(new Error(`No event of ${component} becoming ${state}`)),
        withinMs,
      );
      waiting.push({
        isIt: (event) => event.component === component && event.newState === state,
        resolve(at) {
          clearTimeout(timer);
          resolve(at);
        },
      });
      return promise;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}
